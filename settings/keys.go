package settings

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chargehand/chargehand/shared/payment"
)

const (
	keyPrefix     = "chk"
	keySecretSize = 32 // bytes: nothing to guess, so a plain hash is enough
	// touchEvery is how exact the time of the last use is.
	touchEvery = time.Hour
)

// keyRow is an API key as it is kept in memory. Without found there is none.
type keyRow struct {
	key   APIKey
	hash  []byte
	found bool
}

// CreateKey creates an API key and gives its text, for this once. Only the
// platform may.
func (s *Service) CreateKey(ctx context.Context, a Actor, n NewKey) (APIKey, payment.Secret, error) {
	if !a.platform() {
		return APIKey{}, "", forbidden("only the platform creates API keys; use its key")
	}
	if err := checkName("name", n.Name, MaxName); err != nil {
		return APIKey{}, "", err
	}
	switch {
	case n.Kind == ActorPlatform && n.Company != "":
		return APIKey{}, "", invalid("company_id", "a platform key belongs to no company; leave it out")
	case n.Kind == ActorCompany:
		if _, err := s.company(ctx, n.Company); payment.KindOf(err) == payment.ErrorNotFound {
			return APIKey{}, "", invalid("company_id", "there is no such company")
		} else if err != nil {
			return APIKey{}, "", err
		}
	case n.Kind != ActorPlatform:
		return APIKey{}, "", invalid("kind", "it must be %q or %q", ActorPlatform, ActorCompany)
	}
	secret := make([]byte, keySecretSize)
	_, _ = rand.Read(secret) // it never fails
	k := APIKey{ID: KeyID(newID()), Kind: n.Kind, Company: n.Company, Name: n.Name, CreatedAt: s.moment(), CreatedBy: a.Name}
	hash := sha256.Sum256(secret)
	if err := s.store.AddKey(ctx, k, hash[:]); err != nil {
		return APIKey{}, "", fmt.Errorf("create API key: %w", err)
	}
	return k, payment.Secret(keyPrefix + "_" + string(k.ID) + "_" + hex.EncodeToString(secret)), nil
}

// Keys lists API keys: all to the platform, or those of one company; to a
// company its own.
func (s *Service) Keys(ctx context.Context, a Actor, company CompanyID, p Paging) (Page[APIKey], error) {
	p, err := p.byID()
	if err != nil {
		return Page[APIKey]{}, err
	}
	if !a.platform() {
		if a.Kind != ActorCompany || a.Company == "" || (company != "" && company != a.Company) {
			return Page[APIKey]{}, noSuch("company")
		}
		company = a.Company
	}
	list, err := s.store.Keys(ctx, company, KeyID(p.After), p.Limit+1)
	if err != nil {
		return Page[APIKey]{}, fmt.Errorf("list API keys: %w", err)
	}
	return page(list, p, func(k APIKey) string { return string(k.ID) }), nil
}

// RevokeKey ends an API key for good; other hosts notice within a second. The
// platform may, and a company its own. Again is the same.
func (s *Service) RevokeKey(ctx context.Context, a Actor, id KeyID) error {
	if !isID(id) {
		return noSuch("API key")
	}
	k, _, err := s.store.Key(ctx, id)
	if err != nil {
		return missing(err, "API key")
	}
	if !a.platform() && !a.is(k.Company) {
		return noSuch("API key")
	}
	if err := s.store.RevokeKey(ctx, id, s.moment(), a.Name); err != nil {
		return fmt.Errorf("revoke API key: %w", err)
	}
	s.caches.keys.forget()
	return nil
}

// Authenticate tells whose key it is. ErrorUnauthorized says no more than that
// it is none: not what of it is wrong.
func (s *Service) Authenticate(ctx context.Context, key payment.Secret) (Actor, error) {
	id, secret, ok := parseKey(key.Reveal())
	if !ok {
		return Actor{}, badKey()
	}
	row, err := s.caches.keys.get(ctx, id, func(ctx context.Context) (keyRow, error) { return s.loadKey(ctx, id) })
	if err != nil {
		return Actor{}, fmt.Errorf("look up the API key: %w", err)
	}
	given := sha256.Sum256(secret)
	want := row.hash
	if !row.found {
		want = make([]byte, sha256.Size) // no secret is known to have it, and the time is the same
	}
	same := subtle.ConstantTimeCompare(given[:], want) == 1
	if !same || !row.found || !row.key.RevokedAt.IsZero() {
		return Actor{}, badKey()
	}
	s.touch(ctx, row.key)
	return Actor{Kind: row.key.Kind, Company: row.key.Company, Name: row.key.Name}, nil
}

func (s *Service) loadKey(ctx context.Context, id KeyID) (keyRow, error) {
	k, hash, err := s.store.Key(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return keyRow{}, nil
	}
	return keyRow{k, hash, err == nil}, err
}

// touch notes that a key was used, now and then. It is for people to see which
// keys are in use; a failure must not shut anybody out.
func (s *Service) touch(ctx context.Context, k APIKey) {
	now := s.moment()
	if now.Sub(k.LastUsedAt) < touchEvery {
		return
	}
	_, _ = s.caches.touched.get(ctx, k.ID, func(ctx context.Context) (bool, error) {
		return s.store.TouchKey(ctx, k.ID, now) == nil, nil
	})
}

// parseKey takes a key's text apart.
func parseKey(text string) (KeyID, []byte, bool) {
	prefix, rest, _ := strings.Cut(text, "_")
	id, encoded, _ := strings.Cut(rest, "_")
	if prefix != keyPrefix || !isID(id) || len(encoded) != 2*keySecretSize {
		return "", nil, false
	}
	secret, err := hex.DecodeString(encoded)
	return KeyID(id), secret, err == nil
}

func badKey() error {
	return fail(payment.ErrorUnauthorized, "", "the API key is missing, wrong or revoked; ask the operator of the platform for a new one")
}
