// Command dispatch routes alerts by Alertmanager's own library, for tests that compare it with the notifier.
//
// It reads a JSON list of {"config": "an alertmanager.yml", "labels": [{"NAME": "VALUE"}]} from standard input, and prints a list of
// {"receivers": [["NAME"]], "error": "why the file was refused"}, with a list of receivers for each label set.
package main

import (
	"encoding/json"
	"log"
	"os"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
)

func main() {
	compat.InitFromFlags(promslog.NewNopLogger(), featurecontrol.NoopFlags{})
	var cases []struct {
		Config string           `json:"config"`
		Labels []model.LabelSet `json:"labels"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		log.Fatal(err)
	}
	type answer struct {
		Receivers [][]string `json:"receivers"`
		Error     string     `json:"error"`
	}
	answers := make([]answer, len(cases))
	for i, c := range cases {
		cfg, err := config.Load(c.Config)
		if err != nil {
			answers[i].Error = err.Error()
			continue
		}
		root := dispatch.NewRoute(cfg.Route, nil)
		for _, set := range c.Labels {
			var names []string
			for _, route := range root.Match(set) {
				names = append(names, route.RouteOpts.Receiver)
			}
			answers[i].Receivers = append(answers[i].Receivers, names)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		log.Fatal(err)
	}
}
