// Package slack tells Slack: with a bot token one living message for each alert group, which is edited as the group
// changes and has a thread for what people must hear; with an incoming webhook one plain post for each change. What tells of
// the past stands in the thread and changes nothing in the message.
//
// In flows a notifiers.Message. Out flows a post, or an edit and a reply, and a Receipt that leads back to the message. The
// package escapes every text and fits it into Slack's limits. It never retries, never waits for a rate limit, and never
// puts a token or a webhook's address into an error. Package slackfake stands in for Slack, package slackview shows what a
// person would see.
package slack
