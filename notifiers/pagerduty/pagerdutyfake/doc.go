// Package pagerdutyfake stands in for PagerDuty's Events API, v2 and v1: it keeps incidents that open, are acknowledged and close
// by the rules of dedup_key, and refuses what PagerDuty documents that it refuses.
//
// In flow HTTP requests, as PagerDuty gets them, and what a test wants to go wrong. Out flow PagerDuty's answers and the
// incidents, each with how often somebody would have been notified. It never speaks to anyone and forgets all when the process ends.
package pagerdutyfake
