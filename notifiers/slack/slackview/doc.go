// Package slackview shows a message as Slack's desktop client would, for tests, demos and dry runs.
//
// In flow the text, blocks and attachments that Slack was given. Out flows terminal text or a web page. The package knows
// what of Slack's markup the notifier uses and no more, and shows everything else as the text that it is. It never speaks
// to Slack, and what it writes loads nothing from anywhere.
package slackview
