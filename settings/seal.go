package settings

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/chargehand/chargehand/shared/payment"
)

// sealer seals and opens the secrets in versions with the data keys of their
// companies.
type sealer struct {
	master KeyWrapper
	keys   DataKeyStore
	now    func() time.Time
	open   *cache[string, tink.AEAD] // unwrapped, by id
}

func newSealer(master KeyWrapper, keys DataKeyStore, now func() time.Time, size int) *sealer {
	return &sealer{master: master, keys: keys, now: now, open: newCache[string, tink.AEAD](now, size, 0)}
}

// seal gives the secrets, sealed for this version, and the id of the key.
func (s *sealer) seal(ctx context.Context, sc Scope, number int64, secrets map[string]string) (sealed map[string][]byte, keyID string, err error) {
	if len(secrets) == 0 {
		return nil, "", nil
	}
	key, err := s.newest(ctx, sc.Fulfiller)
	if err != nil {
		return nil, "", err
	}
	aead, err := s.unwrap(ctx, key)
	if err != nil {
		return nil, "", err
	}
	sealed = make(map[string][]byte, len(secrets))
	for field, value := range secrets {
		if sealed[field], err = aead.Encrypt([]byte(value), binding(sc, number, field)); err != nil {
			return nil, "", fmt.Errorf("seal %s: %w", field, err)
		}
	}
	return sealed, key.ID, nil
}

// values gives all values of a version, secrets open.
func (s *sealer) values(ctx context.Context, v Version) (payment.Settings, error) {
	out := make(payment.Settings, len(v.Plain)+len(v.Sealed))
	for field, value := range v.Plain {
		out[field] = value
	}
	if len(v.Sealed) == 0 {
		return out, nil
	}
	aead, err := s.open.get(ctx, v.KeyID, func(ctx context.Context) (tink.AEAD, error) {
		key, err := s.keys.DataKey(ctx, v.KeyID)
		if err != nil {
			return nil, fmt.Errorf("read data key %s: %w", v.KeyID, err)
		}
		if key.CompanyID != v.Scope.Fulfiller {
			return nil, fmt.Errorf("data key %s is another company's: the stored settings have been altered", v.KeyID)
		}
		return s.unwrap(ctx, key)
	})
	if err != nil {
		return nil, err
	}
	for field, sealed := range v.Sealed {
		value, err := aead.Decrypt(sealed, binding(v.Scope, v.Number, field))
		if err != nil {
			return nil, fmt.Errorf("open %s of version %d of the settings of %s %s: the stored value has been altered or moved", field, v.Number, v.Scope.Owner, v.Scope.ID)
		}
		out[field] = string(value)
	}
	return out, nil
}

// newest finds the key that the company seals with, and makes the first.
func (s *sealer) newest(ctx context.Context, company CompanyID) (DataKey, error) {
	key, err := s.keys.NewestDataKey(ctx, company)
	if err == nil || !errors.Is(err, ErrNotFound) {
		return key, err
	}
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // it never fails
	key = DataKey{ID: newID(), CompanyID: company, Number: 1, MasterID: s.master.ID(), CreatedAt: s.now().UTC().Truncate(time.Microsecond)}
	if key.Wrapped, err = s.master.Wrap(ctx, fresh, wrapBinding(key)); err != nil {
		return DataKey{}, fmt.Errorf("make a key for company %s: %w", company, err)
	}
	err = s.keys.AddDataKey(ctx, key)
	if errors.Is(err, ErrExists) { // somebody else was first
		return s.keys.NewestDataKey(ctx, company)
	}
	return key, err
}

func (s *sealer) unwrap(ctx context.Context, key DataKey) (tink.AEAD, error) {
	plain, err := s.master.Unwrap(ctx, key.Wrapped, wrapBinding(key))
	if err != nil {
		text := "it has been altered; the operator has to bring it back from a backup"
		if key.MasterID != s.master.ID() {
			text = fmt.Sprintf("it was wrapped by master key %s, and the host has %s; the operator has to configure the master key that this database was used with", key.MasterID, s.master.ID())
		}
		return nil, &payment.Error{Kind: payment.ErrorUnavailable, Op: "open the key of company " + string(key.CompanyID), Text: text, Err: err}
	}
	aead, err := subtle.NewAESGCM(plain)
	if err != nil {
		return nil, fmt.Errorf("data key %s: %w", key.ID, err)
	}
	return aead, nil
}

// binding ties a sealed value to its place: moved to another company, owner,
// field or version it does not open.
func binding(sc Scope, number int64, field string) []byte {
	return joined("settings 1", string(sc.Fulfiller), string(sc.Owner), sc.ID, sc.Plugin, field, fmt.Sprint(number))
}

func wrapBinding(k DataKey) []byte {
	return joined("data key 1", k.ID, string(k.CompanyID), k.MasterID)
}

// joined writes each part behind its length, so that no two lists of parts
// give the same bytes.
func joined(parts ...string) []byte {
	var out []byte
	for _, p := range parts {
		out = binary.AppendUvarint(out, uint64(len(p)))
		out = append(out, p...)
	}
	return out
}
