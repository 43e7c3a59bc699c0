package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"

	slackapi "github.com/slack-go/slack"

	"github.com/alertvitals/notifier/notifiers"
)

// meanings of the error words of the Web API and of incoming webhooks. A word that is not here may pass by itself.
//
// Source: the error tables of https://docs.slack.dev/reference/methods/chat.postMessage and …/chat.update, and
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors.
var meanings = wordsOf(map[notifiers.Error]string{
	{Reason: notifiers.Auth, Permanent: true}: `invalid_auth not_authed account_inactive token_revoked token_expired
		missing_scope no_permission not_allowed_token_type access_denied ekm_access_denied org_login_required
		team_access_not_granted two_factor_setup_required enterprise_is_restricted invalid_token no_service no_service_id
		no_team team_disabled action_prohibited no_active_hooks accesslimited`,
	{Reason: notifiers.Rejected, Permanent: true}: `channel_not_found is_archived channel_is_archived not_in_channel
		is_inactive posting_to_general_channel_denied restricted_action restricted_action_read_only_channel
		restricted_action_thread_only_channel restricted_action_non_threadable_channel restricted_action_thread_locked
		cannot_reply_to_message messages_tab_disabled slack_connect_blocked_file_type
		invalid_blocks invalid_blocks_format invalid_attachments attachment_payload_limit_exceeded too_many_attachments
		too_many_contact_cards msg_too_long msg_blocks_too_long markdown_text_conflict metadata_too_large
		invalid_metadata_format invalid_metadata_schema no_text duplicate_message_not_found duplicate_channel_not_found
		invalid_arguments invalid_arg_name invalid_array_arg invalid_charset invalid_form_data invalid_json
		invalid_payload user_not_found invalid_post_type missing_post_type missing_channel missing_text
		as_user_not_supported unsupported_media_type method_deprecated deprecated_endpoint unknown_method
		message_not_found cant_update_message edit_window_closed`,
	{Reason: notifiers.RateLimited}: `ratelimited rate_limited message_limit_exceeded`,
	{Reason: notifiers.Timeout}:     `request_timeout`,
	{Reason: notifiers.Server}: `internal_error fatal_error service_unavailable team_added_to_org
		external_channel_migrating rollup_error`,
})

func wordsOf(lists map[notifiers.Error]string) map[string]notifiers.Error {
	words := map[string]notifiers.Error{}
	for meaning, list := range lists {
		for word := range strings.FieldsSeq(list) {
			words[word] = meaning
		}
	}
	return words
}

// lost are the words with which chat.update says that the message is out of its reach; a fresh one takes its place.
var lost = map[string]bool{
	"message_not_found": true, "cant_update_message": true, "edit_window_closed": true,
	"channel_not_found": true, "is_archived": true, "is_inactive": true, "not_in_channel": true,
}

func isLost(err error) bool {
	var answer slackapi.SlackErrorResponse
	return errors.As(err, &answer) && lost[answer.Err]
}

// unthreadable are the words with which chat.postMessage says that a message can have no reply.
var unthreadable = map[string]bool{
	"cannot_reply_to_message": true, "restricted_action_non_threadable_channel": true, "restricted_action_thread_locked": true,
}

func isUnthreadable(err error) bool {
	var answer slackapi.SlackErrorResponse
	return errors.As(err, &answer) && unthreadable[answer.Err]
}

// fromWord is what an error word of Slack means. doing says what was tried.
func fromWord(doing, word string) *notifiers.Error {
	meaning, known := meanings[word]
	if !known {
		meaning.Reason = notifiers.Server
	}
	meaning.Err = fmt.Errorf("%s: Slack says %s", doing, harmless(word))
	return &meaning
}

// fromError is what an error of the Slack client means. Its text is never passed on unless its origin is known: it may
// hold what the far side answered, and that may hold our token.
func fromError(doing string, err error) error {
	var (
		known  *notifiers.Error
		answer slackapi.SlackErrorResponse
		noGo   *url.Error
		syntax *json.SyntaxError
		typed  *json.UnmarshalTypeError
		wire   net.Error
	)
	switch {
	case errors.As(err, &known):
		again := *known
		again.Err = fmt.Errorf("%s: %w", doing, known.Err)
		return &again
	case errors.As(err, &answer):
		e := fromWord(doing, answer.Err)
		if answer.Needed != "" {
			e.Err = fmt.Errorf("%w (it needs %s)", e.Err, harmless(answer.Needed))
		}
		for _, where := range places(answer.ResponseMetadata.Messages) {
			e.Err = fmt.Errorf("%w at %s", e.Err, where)
		}
		return e
	case errors.As(err, &syntax), errors.As(err, &typed):
		return unreadable(doing)
	case errors.As(err, &noGo), errors.As(err, &wire), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e := notifiers.FromNetwork(err)
		e.Err = fmt.Errorf("%s: %w", doing, e.Err)
		return e
	default:
		return unreadable(doing)
	}
}

// unreadable is an answer that claims success and is not Slack's: a proxy's page, for example.
func unreadable(doing string) *notifiers.Error {
	return &notifiers.Error{Reason: notifiers.Server, Err: fmt.Errorf("%s: the answer is not one of Slack's", doing)}
}

var word = regexp.MustCompile(`^[a-z][a-z_:,.]{1,80}$`)

// harmless is a word of Slack's own vocabulary, and a description of anything else.
func harmless(text string) string {
	if word.MatchString(text) {
		return text
	}
	return "a word that is none of its own"
}

var place = regexp.MustCompile(`\[json-pointer:(/[a-z0-9_/]{1,100})\]`)

// places are the JSON pointers with which Slack says what of a message it does not want.
func places(messages []string) []string {
	var found []string
	for _, message := range messages[:min(len(messages), 3)] {
		if match := place.FindStringSubmatch(message); match != nil {
			found = append(found, match[1])
		}
	}
	return found
}
