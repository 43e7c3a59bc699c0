package smtpfake

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // CRAM-MD5 is made of it
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
)

var (
	errCredentials = &gosmtp.SMTPError{Code: 535, EnhancedCode: gosmtp.EnhancedCode{5, 7, 8}, Message: "Authentication credentials invalid"}
	errMechanism   = &gosmtp.SMTPError{Code: 504, EnhancedCode: gosmtp.EnhancedCode{5, 7, 4}, Message: "Unsupported mechanism"}
)

// AuthMechanisms are those that are offered.
func (s *session) AuthMechanisms() []string {
	o := s.server.options
	if o.User == "" {
		return nil
	}
	if o.Mechanisms == nil {
		return []string{"PLAIN", "LOGIN", "CRAM-MD5"}
	}
	return o.Mechanisms
}

// Auth begins a way to authenticate.
func (s *session) Auth(mechanism string) (sasl.Server, error) {
	if !slices.Contains(s.AuthMechanisms(), mechanism) {
		return nil, errMechanism
	}
	o := s.server.options
	check := func(user string, ok bool) error {
		if user != o.User || !ok {
			return errCredentials
		}
		s.user, s.mechanism = user, mechanism
		return nil
	}
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(identity, user, password string) error {
			return check(user, password == o.Password && (identity == "" || identity == user))
		}), nil
	case sasl.Login:
		var user string
		return steps{
			func([]byte) ([]byte, error) { return []byte("Username:"), nil },
			func(response []byte) ([]byte, error) { user = string(response); return []byte("Password:"), nil },
			func(response []byte) ([]byte, error) { return nil, check(user, string(response) == o.Password) },
		}.server(), nil
	case "CRAM-MD5": // RFC 2195
		challenge := "<1896.697170952@smtpfake.test>"
		return steps{
			func([]byte) ([]byte, error) { return []byte(challenge), nil },
			func(response []byte) ([]byte, error) {
				user, digest, _ := strings.Cut(string(response), " ")
				sum := hmac.New(md5.New, []byte(o.Password))
				sum.Write([]byte(challenge))
				return nil, check(user, digest == fmt.Sprintf("%x", sum.Sum(nil)))
			},
		}.server(), nil
	}
	return nil, errMechanism
}

// steps are the answers of a server in their order; after the last one it is done.
type steps []func(response []byte) (challenge []byte, err error)

func (s steps) server() sasl.Server { return &stepper{steps: s} }

type stepper struct {
	steps steps
	at    int
}

func (s *stepper) Next(response []byte) (challenge []byte, done bool, err error) {
	challenge, err = s.steps[s.at](response)
	s.at++
	return challenge, err == nil && s.at == len(s.steps), err
}
