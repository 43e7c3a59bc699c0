package alert

import "github.com/prometheus/alertmanager/template"

// After is what a group says when older could not be told before it: g's own state, which Alertmanager sends whole each
// time, and every alert that only older names. Those that were resolved in between stay resolved; those that fired and are
// not mentioned any more are Gone. Nothing that older named is lost.
func (g Group) After(older Group) Group {
	merged := g
	merged.Alerts = append(template.Alerts(nil), g.Alerts...)
	merged.Gone = append(template.Alerts(nil), g.Gone...)
	named := make(map[string]bool, len(g.Alerts)+len(g.Gone))
	for _, list := range []template.Alerts{g.Alerts, g.Gone} {
		for _, a := range list {
			named[a.Fingerprint] = true
		}
	}
	add := func(to template.Alerts, a template.Alert) template.Alerts {
		if named[a.Fingerprint] {
			return to
		}
		named[a.Fingerprint] = true
		return append(to, a)
	}
	for _, a := range older.Alerts {
		if a.Status == StatusResolved {
			merged.Alerts = add(merged.Alerts, a)
		} else {
			merged.Gone = add(merged.Gone, a)
		}
	}
	for _, a := range older.Gone {
		merged.Gone = add(merged.Gone, a)
	}
	return merged
}
