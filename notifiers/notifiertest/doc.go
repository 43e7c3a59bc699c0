// Package notifiertest is the conformance suite of the sinks: what every one of them must do with every answer of its
// service and with every text that a label can hold.
//
// In flows a Harness that builds the sink against a server of the suite. Out flow the failures of the test that runs it.
// The suite speaks to 127.0.0.1 only, never sleeps, and knows nothing of any one service.
package notifiertest
