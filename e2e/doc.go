// Package e2e holds the test of the whole path, with every program as it is: the demo agent, Prometheus with the shipped rules,
// Alertmanager (alone, a pair, and a pair that cannot hear each other), the notifier, and stand-ins for Slack, PagerDuty and a mail server.
//
// In flows an agent that falls ill and recovers. Out flows whether everybody was told so, once, with the agent's vitals. The package posts
// no webhook and makes no alert itself. Its tests have the build tag acceptance, because Prometheus and Alertmanager come from Debian.
package e2e
