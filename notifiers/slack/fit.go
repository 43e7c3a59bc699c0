package slack

import (
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/alertvitals/notifier/templates"
)

// postSize bounds the JSON of the blocks and the attachment, in characters. Slack refuses a message over about 13,200
// characters with msg_blocks_too_long and documents no number
// (https://github.com/slackapi/bolt-js/issues/2509); to count the markup too is on the safe side.
const postSize = 12000

// fewestAlerts is how many alerts stay named for as long as something else can go.
const fewestAlerts = 3

// fit drops what is least useful until the post is small enough: how the vitals were taken, tables, the trend, vitals that are
// normal, alerts beyond the first few, the checks, and so on. Title, headline, note and counts always stay, and they alone
// are small enough.
func fit(p parts) post {
	for {
		built := p.post()
		if built.size() <= postSize || !p.drop() {
			return built
		}
	}
}

func (p post) size() int {
	size := 0
	for _, part := range []any{p.blocks, p.attachment} {
		encoded, err := json.Marshal(part)
		if err != nil {
			return 0 // these types hold strings and booleans only; sending will say what is wrong with them
		}
		size += utf8.RuneCount(encoded)
	}
	return size
}

// drop removes the least useful part that is left. It is false when only what must stay is left.
func (p *parts) drop() bool {
	quiet, long := lastQuiet(p.Vitals), lastLong(p.Links)
	switch {
	case p.Foot != "":
		p.Foot = ""
	case len(p.Tables) > 0:
		p.Tables = p.Tables[:len(p.Tables)-1]
	case p.Trend != "":
		p.Trend = ""
	case long >= 0:
		p.Links = slices.Delete(slices.Clone(p.Links), long, long+1)
	case quiet >= 0:
		p.Vitals = slices.Delete(slices.Clone(p.Vitals), quiet, quiet+1)
	case len(p.Alerts) > fewestAlerts:
		// Ten thousand alerts are cut down in a few steps, a dozen one by one.
		p.dropAlerts(max(1, (len(p.Alerts)-fewestAlerts)/4))
	case len(p.Changes) > 1:
		p.Changes = p.Changes[:len(p.Changes)-1]
	case len(p.Vitals) > 0:
		p.Vitals = p.Vitals[:len(p.Vitals)-1]
	case len(p.Links) > 0:
		p.Links = p.Links[:len(p.Links)-1]
	case p.Checks != "":
		p.Checks = ""
	case len(p.Alerts) > 0:
		p.dropAlerts(1)
	case len(p.Changes) > 0:
		p.Changes = nil
	case p.State != "":
		p.State = ""
	default:
		return false
	}
	return true
}

func (p *parts) dropAlerts(n int) {
	p.Alerts = p.Alerts[:len(p.Alerts)-n]
	p.hiddenAlerts += n
}

// lastQuiet is the index of the last vital that is normal, -1 when there is none.
func lastQuiet(vitals []templates.Vital) int {
	for i, v := range slices.Backward(vitals) {
		if !v.Loud {
			return i
		}
	}
	return -1
}

// longLink is the length of an address that takes the room of several vitals; most are a third of it.
const longLink = 800

// lastLong is the index of the last link with such an address, -1 when there is none.
func lastLong(links []templates.Link) int {
	for i, link := range slices.Backward(links) {
		if len(link.URL) > longLink {
			return i
		}
	}
	return -1
}
