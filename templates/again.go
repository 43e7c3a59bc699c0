package templates

import "time"

// Again says that a message is told once more, because it could not be delivered before.
type Again struct {
	// From is the receiver that could not be told: this message goes to its fallback. It is empty when a message that could
	// not be delivered is told late to the one that it was for.
	From string
	// Reason is why it could not be delivered, from the closed set of the metrics: auth, timeout, expired, …. It is empty
	// when nothing failed and the message only waited, and "recovered" when From was told this and its fallback, which was
	// told that the group fires, hears the end.
	Reason string
	// Accepted is when the notification was put on disk.
	Accepted time.Time
	// Late is whether people were told newer news of the group since: the message tells of the past and must not read as
	// the present. It then says nothing of the agent, whose past is not known any more.
	Late bool
	// Asked is whether somebody asked that it be told once more. It was told or left out then, so nothing failed.
	Asked bool
}

func (a *Again) late() bool { return a != nil && a.Late }

// reasons are the causes of a delivery that failed, in words that go on from "oncall could not be told:". "It" is the
// receiver.
var reasons = map[string]string{
	"rejected":     "it refuses the message",
	"auth":         "it does not accept our credentials",
	"rate_limited": "it takes no more messages for now",
	"server":       "it answers with errors of its own",
	"unreachable":  "it cannot be reached",
	"timeout":      "it does not answer in time",
	"removed":      "it is not in the configuration any more",
	"expired":      "it was tried until the message was too old",
	"panic":        "the notifier itself has an error, which its log shows",
}

// why is a reason in words.
func why(reason string) string {
	if words, known := reasons[reason]; known {
		return words
	}
	return "the notifier's log says why"
}
