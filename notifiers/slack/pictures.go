package slack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	slackapi "github.com/slack-go/slack"

	"github.com/alertvitals/notifier/templates"
)

const (
	mostPictures = 3
	// pictureSize is far more than a chart has, in bytes.
	pictureSize = 1 << 20
)

// upload gives Slack the pictures, and is the IDs of their files. What cannot be uploaded, for want of the scope files:write
// perhaps, is left out: the text says it too.
//
// Source: https://docs.slack.dev/messaging/working-with-files#upload. A file that is shared nowhere can stand in a block of the
// bot's own: https://docs.slack.dev/reference/block-kit/composition-objects/slack-file-object.
func (b bot) upload(ctx context.Context, pictures []templates.Image) []string {
	var files []slackapi.FileSummary // none leaves Slack unasked
	for i, p := range pictures[:min(len(pictures), mostPictures)] {
		if len(p.PNG) == 0 || len(p.PNG) > pictureSize {
			continue
		}
		name := fmt.Sprintf("chart-%d.png", i+1)
		place, err := b.api.GetUploadURLExternalContext(ctx, slackapi.GetUploadURLExternalParameters{
			FileName: name, FileSize: len(p.PNG), AltTxt: clip(p.Alt, headlineSize),
		})
		if err != nil {
			return nil
		}
		if err := b.api.UploadToURL(ctx, slackapi.UploadToURLParameters{
			UploadURL: place.UploadURL, Reader: bytes.NewReader(p.PNG), Filename: name,
		}); err != nil {
			return nil
		}
		files = append(files, slackapi.FileSummary{ID: place.FileID, Title: clip(p.Title, headerSize)})
	}
	if len(files) == 0 {
		return nil
	}
	if _, err := b.api.CompleteUploadExternalContext(ctx, slackapi.CompleteUploadExternalParameters{Files: files}); err != nil {
		return nil
	}
	ids := make([]string, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	return ids
}

// isAboutPictures is whether Slack may have refused a message for its pictures: it says invalid_blocks of a file that it has
// deleted, or not looked at yet.
func isAboutPictures(err error) bool {
	var answer slackapi.SlackErrorResponse
	return errors.As(err, &answer) && strings.HasPrefix(answer.Err, "invalid_")
}

// pictureBlocks show files that hold the pictures; their titles and words are those of the charts as far as they are known.
func pictureBlocks(files []string, charts []templates.Image) []slackapi.Block {
	blocks := make([]slackapi.Block, len(files))
	for i, id := range files {
		alt := "chart"
		if i < len(charts) && clip(charts[i].Alt, headlineSize) != "" {
			alt = clip(charts[i].Alt, headlineSize)
		}
		blocks[i] = slackapi.NewImageBlockSlackFile(&slackapi.SlackFileObject{ID: id}, alt, "", nil)
	}
	return blocks
}
