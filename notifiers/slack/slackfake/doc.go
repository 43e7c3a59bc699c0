// Package slackfake stands in for Slack: it takes chat.postMessage, chat.update and incoming webhooks, keeps channels,
// messages, edits and threads, and refuses what Slack documents that it refuses.
//
// In flow HTTP requests, as Slack gets them, and what a test wants to go wrong. Out flow Slack's answers, the state of the
// channels and, at "/", a page that looks like Slack. It never speaks to anyone, sends no notification and forgets all
// when the process ends.
package slackfake
