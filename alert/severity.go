package alert

// Severity is the value of an alert's severity label, as the author of the rule wrote it; "" when there is none.
type Severity string

// The severities that Prometheus users agree on. Any other value is kept, routed and shown as it is.
const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
	Info     Severity = "info"
)

// Rank orders severities: critical above warning above info. A severity that is none of these ranks with warning, so
// that nothing unknown is either ignored or wakes somebody.
func (s Severity) Rank() int {
	switch s {
	case Critical:
		return 3
	case Info:
		return 1
	default:
		return 2
	}
}
