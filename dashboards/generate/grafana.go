package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// schemaVersion is that of Grafana 12's dashboards. Older ones read what they know of it, newer ones migrate it:
// https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
const schemaVersion = 42

// board is one dashboard.
type board struct {
	name  string // of the file, and of the system in rules/ and internal/exposed
	title string
	about string
	// known is a selector of series that every such system has: their labels are the choice of the variables job and instance.
	known string
	// every is how often its numbers change, where that is seldomer than they are scraped: of it Grafana makes $__rate_interval, which
	// is four times as long (https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/#use-__rate_interval).
	every  string
	panels []panel
}

// panel is one panel. In expressions $S stands for the chosen job and instance.
type panel struct {
	title, about string
	kind         string
	unit         string // https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts
	width        int    // of 24
	queries      []query
	says         map[string]string // words in place of numbers
	steps        []step            // colours; the first is from the lowest value on
	stacked      bool
	top          float64 // of the axis, 0 for as high as the values
}

// exported is how often programs tell an OpenTelemetry collector by default. Windows of one scrape interval would mostly hold no change.
const exported = "1m"

type query struct{ expr, legend string }

type step struct {
	color string
	from  float64
}

// The kinds of panels, by Grafana's names.
const (
	series  = "timeseries"
	stat    = "stat"
	pie     = "piechart"
	table   = "table"
	heatmap = "heatmap"
	row     = "row"
)

// Colours of states.
const (
	green  = "green"
	yellow = "yellow"
	red    = "red"
)

type object = map[string]any

var datasource = object{"type": "prometheus", "uid": "${datasource}"}

func (b board) json() ([]byte, error) {
	var panels []object
	x, y, tallest := 0, 0, 0
	for i, p := range b.panels {
		w, h := p.size()
		if x+w > 24 {
			x, y, tallest = 0, y+tallest, 0
		}
		panels = append(panels, p.json(i+1, b.every, object{"x": x, "y": y, "w": w, "h": h}))
		x, tallest = x+w, max(tallest, h)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(object{
		"uid": "notifier-" + b.name, "title": b.title, "description": b.about, "tags": []string{"agents", "notifier"},
		"schemaVersion": schemaVersion, "version": 1, "editable": true, "graphTooltip": 1, "timezone": "browser", "refresh": "30s",
		"time":        object{"from": "now-1h", "to": "now"},
		"annotations": object{"list": []object{alerts()}},
		"templating":  object{"list": b.variables()},
		"links":       []object{}, "panels": panels,
	})
	return out.Bytes(), err
}

// alerts marks when rules fired.
func alerts() object {
	return object{
		"name": "Alerts", "datasource": datasource, "enable": true, "iconColor": red,
		"expr": `ALERTS{alertstate="firing",job=~"$job"}`, "titleFormat": "{{alertname}}", "textFormat": "{{instance}}", "step": "30s",
	}
}

// variables are which Prometheus, which job and which instance. All of them is ".*", as series of a collector may have no instance.
func (b board) variables() []object {
	choice := func(label, selector string) object {
		text := fmt.Sprintf("label_values(%s, %s)", selector, label)
		return object{
			"name": label, "label": strings.ToUpper(label[:1]) + label[1:], "type": "query", "datasource": datasource,
			"query": object{"query": text, "refId": label}, "definition": text, "refresh": 2, "sort": 1,
			"includeAll": true, "multi": true, "allValue": ".*", "current": object{"text": "All", "value": "$__all"},
		}
	}
	ofJob := b.known + `{job=~"$job"}`
	if head, is := strings.CutSuffix(b.known, "}"); is {
		ofJob = head + `,job=~"$job"}`
	}
	return []object{
		{"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": object{}},
		choice("job", b.known), choice("instance", ofJob),
	}
}

func (p panel) size() (width, height int) {
	switch p.kind {
	case row:
		return 24, 1
	case stat:
		return p.width, 4
	}
	return p.width, 8
}

func (p panel) json(id int, every string, place object) object {
	if p.kind == row {
		return object{"id": id, "title": p.title, "description": p.about, "type": row, "collapsed": false, "gridPos": place, "panels": []object{}}
	}
	defaults := object{"unit": p.unit, "custom": p.custom(), "color": object{"mode": "palette-classic"}, "mappings": p.mappings()}
	if p.kind == stat {
		defaults["color"] = object{"mode": "thresholds"}
	}
	defaults["thresholds"] = object{"mode": "absolute", "steps": p.thresholds()}
	if p.kind == series {
		defaults["min"] = 0
	}
	if p.top > 0 {
		defaults["max"] = p.top
	}
	var targets []object
	for i, q := range p.queries {
		target := object{
			"refId": string(rune('A' + i)), "datasource": datasource, "editorMode": "code", "range": true, "legendFormat": q.legend,
			"expr": strings.ReplaceAll(q.expr, "$S", `job=~"$job",instance=~"$instance"`),
		}
		if every != "" {
			target["interval"] = every
		}
		switch p.kind {
		case table:
			target["format"], target["instant"], target["range"] = "table", true, false
		case pie:
			target["instant"], target["range"] = true, false
		case heatmap:
			target["format"] = "heatmap"
		}
		targets = append(targets, target)
	}
	out := object{
		"id": id, "title": p.title, "description": p.about, "type": p.kind, "datasource": datasource, "gridPos": place,
		"fieldConfig": object{"defaults": defaults, "overrides": []object{}}, "options": p.options(), "targets": targets,
	}
	if p.kind == table {
		out["transformations"] = []object{{"id": "organize", "options": object{"excludeByName": object{"Time": true}}}}
	}
	return out
}

func (p panel) custom() object {
	if p.kind != series {
		return object{}
	}
	custom := object{"fillOpacity": 10, "lineWidth": 1, "showPoints": "never", "spanNulls": false}
	if p.stacked {
		custom["stacking"], custom["fillOpacity"] = object{"mode": "normal", "group": "A"}, 40
	}
	return custom
}

func (p panel) mappings() []object {
	if len(p.says) == 0 {
		return []object{}
	}
	options := object{}
	for value, words := range p.says {
		options[value] = object{"text": words}
	}
	return []object{{"type": "value", "options": options}}
}

func (p panel) thresholds() []object {
	steps := []object{{"color": green, "value": nil}}
	for i, s := range p.steps {
		if i == 0 {
			steps[0]["color"] = s.color
			continue
		}
		steps = append(steps, object{"color": s.color, "value": s.from})
	}
	return steps
}

func (p panel) options() object {
	lastNotNull := object{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}
	switch p.kind {
	case stat:
		return object{"reduceOptions": lastNotNull, "colorMode": "value", "graphMode": "area", "textMode": "auto"}
	case pie:
		return object{"reduceOptions": lastNotNull, "pieType": "donut", "legend": object{"displayMode": "table", "placement": "right", "values": []string{"value", "percent"}}}
	case heatmap:
		return object{"calculate": false, "yAxis": object{"unit": p.unit}, "color": object{"mode": "scheme", "scheme": "Oranges"}, "cellGap": 1}
	case table:
		return object{"showHeader": true}
	}
	return object{"legend": object{"displayMode": "list", "placement": "bottom"}, "tooltip": object{"mode": "multi", "sort": "desc"}}
}

// quantiles are those of a histogram, given the name and matchers of its buckets.
func quantiles(bucket, matchers string, of ...string) []query {
	var queries []query
	for _, q := range of {
		queries = append(queries, query{
			fmt.Sprintf("histogram_quantile(0.%s, sum by (le) (rate(%s{%s}[$__rate_interval])))", strings.TrimSuffix(q, "0"), bucket, matchers), "p" + q,
		})
	}
	return queries
}

// share is one rate in another, by some labels: 0, not nothing, where there is the whole without the part.
func share(by, part, whole string) string {
	all := fmt.Sprintf("sum by (%s) (rate(%s[$__rate_interval]))", by, whole)
	return fmt.Sprintf("(sum by (%s) (rate(%s[$__rate_interval])) or 0 * %s) / %s", by, part, all, all)
}

// process are the panels of a program's process, of which the runtime's are there for Go programs only.
func process(of string) []panel {
	panels := []panel{
		{
			title: "CPU", about: "The processor time that the process uses. 1 is one core.", kind: series, unit: "short", width: 6,
			queries: []query{{"rate(process_cpu_seconds_total{$S}[$__rate_interval])" + of, "{{instance}}"}},
		},
		{
			title: "Memory", about: "The process's resident memory.", kind: series, unit: "bytes", width: 6,
			queries: []query{{"process_resident_memory_bytes{$S}" + of, "{{instance}}"}},
		},
	}
	return panels
}

// goRuntime are those of Go's runtime.
func goRuntime(of string) []panel {
	return []panel{
		{
			title: "Goroutines", about: "Goroutines that grow are requests that never end.", kind: series, unit: "short", width: 6,
			queries: []query{{"go_goroutines{$S}" + of, "{{instance}}"}},
		},
		{
			title: "GC activity", about: "The average pause of a garbage collection. Nothing when there was none.", kind: series, unit: "s", width: 6,
			queries: []query{{
				"rate(go_gc_duration_seconds_sum{$S}[$__rate_interval])" + of + " / (rate(go_gc_duration_seconds_count{$S}[$__rate_interval])" + of + " > 0)",
				"{{instance}}",
			}},
		},
	}
}
