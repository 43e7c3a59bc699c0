package slackfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	slackapi "github.com/slack-go/slack"

	"github.com/alertvitals/notifier/notifiers/slack/slackview"
)

// file is one that is uploaded in Slack's three steps: a place is asked for, the bytes are put there, and that is said.
//
// Source: https://docs.slack.dev/messaging/working-with-files#upload.
type file struct {
	size     int
	content  []byte
	complete bool
}

// place answers files.getUploadURLExternal.
func (s *Server) place(c call) (answer map[string]any, refusal string) {
	size, err := strconv.Atoi(c.form.Get("length"))
	if err != nil || size <= 0 || c.form.Get("filename") == "" {
		return nil, "invalid_arguments"
	}
	id := fmt.Sprintf("F%08d", len(s.files)+1)
	s.files[id] = &file{size: size}
	return map[string]any{"ok": true, "file_id": id, "upload_url": "http://" + c.host + "/upload/" + id}, ""
}

// upload takes the bytes of a file.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	var content []byte
	if part, _, err := r.FormFile("file"); err == nil {
		content, _ = io.ReadAll(part)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[r.PathValue("id")]
	if f == nil || f.size != len(content) {
		http.Error(w, "there is no such upload", http.StatusBadRequest)
		return
	}
	f.content = content
	fmt.Fprintf(w, "OK - %d", len(content))
}

// complete answers files.completeUploadExternal.
func (s *Server) complete(form url.Values) (answer map[string]any, refusal string) {
	var files []slackapi.FileSummary
	if json.Unmarshal([]byte(form.Get("files")), &files) != nil || len(files) == 0 {
		return nil, "invalid_arguments"
	}
	for _, summary := range files {
		f := s.files[summary.ID]
		if f == nil || f.content == nil {
			return nil, "file_not_found"
		}
		f.complete = true
	}
	return map[string]any{"ok": true, "files": files}, ""
}

// File is the content of a file that was uploaded, nil when there is none.
func (s *Server) File(id string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.files[id]; f != nil && f.complete {
		return bytes.Clone(f.content)
	}
	return nil
}

// LoseFiles deletes every file, as a workspace's retention does.
func (s *Server) LoseFiles() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.files)
}

// hasFiles is whether all pictures of a message are there.
func (s *Server) hasFiles(m slackview.Message) bool {
	return !slices.ContainsFunc(filesOf(m), func(id string) bool { return s.files[id] == nil || !s.files[id].complete })
}

// filesOf are the IDs of the files that the message shows.
func filesOf(m slackview.Message) (ids []string) {
	blocks := slices.Clone(m.Blocks.BlockSet)
	for _, a := range m.Attachments {
		blocks = append(blocks, a.Blocks.BlockSet...)
	}
	for _, block := range blocks {
		if image, ok := block.(*slackapi.ImageBlock); ok && image.SlackFile != nil {
			ids = append(ids, image.SlackFile.ID)
		}
	}
	return ids
}

// picturesOf are the files that the message shows. s.mu is held.
func (s *Server) picturesOf(m slackview.Message) map[string][]byte {
	var pictures map[string][]byte
	for _, id := range filesOf(m) {
		if f := s.files[id]; f != nil {
			if pictures == nil {
				pictures = map[string][]byte{}
			}
			pictures[id] = f.content
		}
	}
	return pictures
}

// permalink answers chat.getPermalink.
func (s *Server) permalink(form url.Values) (answer map[string]any, refusal string) {
	ch := s.channels[form.Get("channel")]
	if ch == nil {
		return nil, "channel_not_found"
	}
	for _, m := range ch.Messages {
		if m.TS == form.Get("message_ts") {
			return map[string]any{"ok": true, "permalink": "https://example.slack.com/archives/" + ch.ID + "/p" + m.TS}, ""
		}
	}
	return nil, "message_not_found"
}
