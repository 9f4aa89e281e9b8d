package webservices

import (
	"errors"
	"fmt"
)

// The formats that the gateway speaks. They say the same.
const (
	FormatJSON = "json"
	FormatXML  = "xml"
)

// codec writes requests and reads answers in one format.
type codec interface {
	// contentType is that of the requests.
	contentType() string
	// encode builds the body of a call.
	encode(user, reference string, requests []Request) ([]byte, error)
	// decode reads an answer to its end. Its error has no text of the answer.
	decode(body []byte) (Answer, error)
}

func codecOf(format string) (codec, error) {
	switch format {
	case FormatJSON, "":
		return jsonCodec{}, nil
	case FormatXML:
		return xmlCodec{}, nil
	}
	return nil, fmt.Errorf("there is no format %q", format)
}

func encode(in codec, user, reference string, requests []Request) ([]byte, error) {
	if len(requests) == 0 {
		return nil, errors.New("no request element")
	}
	if len(requests) > MaxElements {
		return nil, fmt.Errorf("%d request elements; the most is %d", len(requests), MaxElements)
	}
	return in.encode(user, reference, requests)
}

func decode(in codec, body []byte) (Answer, error) {
	a, err := in.decode(body)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	return a, nil
}
