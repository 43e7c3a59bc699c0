package opencode

import (
	"cmp"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"time"
)

// sessionID is what may become a part of a path.
var sessionID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// session is one of the list.
type session struct {
	ID   string `json:"id"`
	Time struct {
		Updated int64 `json:"updated"` // in ms
	} `json:"time"`
}

// Sessions are the IDs of the sessions in an answer of /session that changed since then, the newest first and `most` at the most.
func Sessions(body []byte, since time.Time, most int) ([]string, error) {
	var sessions []session
	if err := json.Unmarshal(body, &sessions); err != nil {
		return nil, errors.New("not a list of sessions") // the error of the decoder repeats parts of the body
	}
	slices.SortStableFunc(sessions, func(a, b session) int { return cmp.Compare(b.Time.Updated, a.Time.Updated) })
	var ids []string
	for _, s := range sessions {
		if len(ids) < most && s.Time.Updated >= since.UnixMilli() && sessionID.MatchString(s.ID) {
			ids = append(ids, s.ID)
		}
	}
	return ids, nil
}
