package email

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/alertvitals/notifier/alert"
	"github.com/alertvitals/notifier/notifiers"
	"github.com/alertvitals/notifier/notifiers/email/smtpfake"
	"github.com/alertvitals/notifier/notifiers/notifiertest"
	"github.com/alertvitals/notifier/templates"
)

var link = regexp.MustCompile(`(?:href|src)="([^"]*)"`)

// picture is a PNG of about that many bytes.
func picture(size int) []byte {
	var out bytes.Buffer
	img := image.NewGray(image.Rect(0, 0, 2, 2))
	img.Set(0, 0, color.White)
	if err := png.Encode(&out, img); err != nil {
		panic(err)
	}
	out.Write(make([]byte, max(0, size-out.Len())))
	return out.Bytes()
}

func withCharts(m notifiers.Message) notifiers.Message {
	m.Content.Charts = []templates.Image{
		{Title: "error rate, last hour", Alt: "it rose from 0.2 % to 7.3 % at 09:14", PNG: picture(20_000)},
		{Title: "p95 latency, last hour", Alt: "it rose from 0.8 s to over 10 s", PNG: picture(20_000)},
	}
	return m
}

var night = time.Date(2026, 3, 1, 9, 17, 0, 0, time.UTC)

var boundary = regexp.MustCompile(`\b[0-9a-f]{60}\b`)

// golden is the mail with boundaries that are the same each time.
func golden(t *testing.T, n *Notifier, server *smtpfake.Server, m notifiers.Message) string {
	t.Helper()
	before := len(server.Mails())
	n.now = func() time.Time { return night }
	send(t, n, m)
	data := string(server.Mails()[before].Data)
	names := map[string]string{}
	return boundary.ReplaceAllStringFunc(data, func(found string) string {
		if names[found] == "" {
			names[found] = "boundary-" + string(rune('a'+len(names)))
		}
		return names[found]
	})
}

func TestGoldenMails(t *testing.T) {
	begun := notifiers.Receipt{rootKey: "<alert-0-0@notifier>", subjectKey: "HighErrorRate · aster", severityKey: "critical"}
	charts := withCharts(notifiertest.Firing())
	for i := range charts.Content.Charts {
		charts.Content.Charts[i].PNG = picture(0)
	}
	hidden := notifiertest.Firing()
	hidden.Content.Counts = "2 firing, 3 hidden by max_alerts (set max_alerts: 0)"
	hidden.Content.Title = "CRITICAL · HighErrorRate · aster · 2 firing"
	for name, m := range map[string]notifiers.Message{
		"firing":    charts,
		"joined":    notifiertest.Joined(begun),
		"resolved":  notifiertest.Resolved(begun),
		"late":      notifiertest.Late(begun),
		"fallback":  notifiertest.Fallback(),
		"truncated": hidden,
		"hostile":   notifiertest.Hostile("</td><script>alert(1)</script>\r\nBcc: x@y\r\n\r\n--boundary <b> “é” 👩‍🚒"),
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, smtpfake.Options{})
			c := configOf(server)
			c.Headers = map[string]string{"reply-to": "Ops <ops@example.com>", "X-Team": "data"}
			got := strings.ReplaceAll(golden(t, sinkOf(t, c), server, m), "\r\n", "\n")

			file := filepath.Join("testdata", name+".eml")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o750))
				require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
		})
	}
}

// The texts are what people choose between: who reads one misses nothing of the other.
func TestBothBodiesSayTheSame(t *testing.T) {
	for name, m := range map[string]notifiers.Message{
		"firing": withCharts(notifiertest.Firing()), "joined": notifiertest.Joined(nil), "resolved": notifiertest.Resolved(nil),
		"late": notifiertest.Late(nil), "fallback": notifiertest.Fallback(),
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, smtpfake.Options{})
			send(t, sinkOf(t, configOf(server)), m)
			got := read(t, server.Mails()[0].Data)
			c := m.Content
			if c.Status == alert.StatusFiring {
				c.Changes = append(c.Changes, c.News) // which is in the title of what is resolved
			}
			said := append([]string{c.Emoji + " " + c.Title, c.Headline, c.Note, c.State, c.Checks, c.Foot, c.Counts, m.Receiver, m.ID}, c.Changes...)
			for _, line := range append(c.Tables, c.Alerts...) {
				said = append(said, line.Name, line.Text)
			}
			for _, v := range c.Vitals {
				if c.Status != alert.StatusResolved {
					said = append(said, v.Name, v.Value, v.Change)
				}
			}
			for _, l := range c.Links {
				said = append(said, l.Text)
				assert.Contains(t, got.text, l.URL)
			}
			for _, chart := range c.Charts {
				assert.Contains(t, got.text, chart.Title+": "+chart.Alt)
				assert.Contains(t, got.html, `alt="`+chart.Title+": "+chart.Alt+`"`)
			}
			for _, text := range said {
				assert.Contains(t, got.text, text)
				assert.Contains(t, got.visible(), text)
			}
		})
	}
}

func TestChartsAreInTheMail(t *testing.T) {
	m := withCharts(notifiertest.Firing())
	m.Content.Charts = append([]templates.Image{{Title: "no picture", PNG: []byte("<svg onload=alert(1)>")}}, m.Content.Charts...)
	m.Content.Charts = append(m.Content.Charts, templates.Image{Title: "too big", PNG: picture(3 << 20)})
	server := serve(t, smtpfake.Options{})

	send(t, sinkOf(t, configOf(server)), m)

	got := read(t, server.Mails()[0].Data)
	var shown [][]byte
	for _, found := range link.FindAllStringSubmatch(got.html, -1) {
		if id, ok := strings.CutPrefix(found[1], "cid:"); ok {
			shown = append(shown, got.images["<"+strings.ReplaceAll(id, "%40", "@")+">"])
		}
	}
	assert.Equal(t, [][]byte{picture(20_000), picture(20_000)}, shown)
	assert.Len(t, got.images, 2)
	assert.NotContains(t, got.visible(), "no picture")
}

func TestWhatIsNormalTakesLittleRoom(t *testing.T) {
	m := notifiertest.Firing()
	for i := range 8 {
		m.Content.Vitals = append(m.Content.Vitals, templates.Vital{Name: "more", Value: strings.Repeat("x", i+1), Loud: i == 1})
	}
	p := pageOf(m, thread{}, "")

	rows, rest := p.rows()

	assert.Len(t, rows, 8, "up to the last that is not normal")
	assert.Equal(t, "more xxx · more xxxx · more xxxxx · more xxxxxx · more xxxxxxx · more xxxxxxxx", rest)
	text, html, err := p.bodies()
	require.NoError(t, err)
	assert.Contains(t, text, rest)
	assert.Contains(t, html, rest)
}

func TestThreads(t *testing.T) {
	m := notifiertest.Firing()
	key := "cbc7a356b874c7d0" // the beginning of: printf '{}:{alertname="HighErrorRate"}' | sha256sum
	for name, tc := range map[string]struct {
		how      *Threading
		previous notifiers.Receipt
		want     string
	}{
		"an incident":              {nil, nil, "<alert-" + key + "-20260301T091400@notifier>"},
		"one that has begun":       {nil, notifiers.Receipt{rootKey: "<x@y>"}, "<x@y>"},
		"Alertmanager's, each day": {&Threading{true, "daily"}, notifiers.Receipt{rootKey: "<x@y>"}, "<alert-" + key + "-2026-03-01@alertmanager>"},
		"Alertmanager's, for ever": {&Threading{true, "none"}, nil, "<alert-" + key + "-@alertmanager>"},
		"none":                     {&Threading{}, notifiers.Receipt{rootKey: "<x@y>"}, ""},
	} {
		m.Previous = tc.previous
		got := threadOf(m, tc.how, night)
		assert.Equal(t, tc.want, got.root, name)
		assert.Equal(t, "[CRITICAL] HighErrorRate · aster", got.subject(), name)
	}
}

// Nobody who filters for [CRITICAL] may miss what has become critical, and nothing else changes a subject.
func TestTheSubjectChangesOnlyWhenItGetsWorse(t *testing.T) {
	severity := func(m notifiers.Message, is string) notifiers.Message {
		for i := range m.Group.Alerts {
			m.Group.Alerts[i].Labels["severity"] = is
		}
		return m
	}
	subject := func(m notifiers.Message, previous thread) thread {
		m.Previous = previous.receipt()
		return threadOf(m, nil, night)
	}
	first := threadOf(severity(notifiertest.Firing(), "warning"), nil, night)
	assert.Equal(t, "[WARNING] HighErrorRate · aster", first.subject())
	gone := severity(notifiertest.Joined(nil), "info")
	gone.Snapshot = nil
	for i := range gone.Group.Alerts {
		gone.Group.Alerts[i].Labels["alertname"] = "Another"
	}
	second := subject(gone, first)
	assert.Equal(t, first.subject(), second.subject())
	third := subject(notifiertest.Joined(nil), second)
	assert.Equal(t, "[CRITICAL] HighErrorRate · aster", third.subject())
	assert.Equal(t, third.subject(), subject(severity(notifiertest.Resolved(nil), "warning"), third).subject())
	assert.Equal(t, first.root, third.root)
}

func TestMessageIDsDifferAsMessagesDo(t *testing.T) {
	base := notifiertest.Firing()
	id := messageID(base, "notifier@example.com")
	assert.Regexp(t, `^<01JNSAMPLE0FIRING\.[0-9a-f]{16}@example\.com>$`, id)
	assert.Equal(t, id, messageID(notifiertest.Firing(), "notifier@example.com"))

	emptied := notifiertest.Firing() // the numbers begin anew, and time has passed
	emptied.Group.Alerts[0].StartsAt = night
	late := notifiertest.Firing()
	late.Late = true
	for _, other := range []notifiers.Message{notifiertest.Joined(nil), emptied, late} {
		assert.NotEqual(t, id, messageID(other, "notifier@example.com"))
	}
	odd := notifiertest.Firing()
	odd.ID = "\r\nBcc: x@y <" + strings.Repeat("x", 500)
	assert.Regexp(t, `^<[A-Za-z0-9_-]+\.[0-9a-f]{16}@notifier>$`, messageID(odd, "zoë@exämple.com"))
}

func FuzzClip(f *testing.F) {
	for _, text := range notifiertest.HostileTexts() {
		f.Add(text[:min(len(text), 100)], 20)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = 1 + (limit&0xff+256)%256
		got := clip(text, limit)
		if n := len([]rune(got)); n > limit {
			t.Fatalf("%d characters of %d: %q", n, limit, got)
		}
		if strings.ContainsAny(got, "\r\n\x00\x1b\u202e\u2028") || strings.ToValidUTF8(got, "") != got {
			t.Fatalf("%q", got)
		}
	})
}
