package problem

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestUnder(t *testing.T) {
	got := Under("route", []Problem{{Path: "receiver", Msg: "a"}, {Path: "[2].x", Msg: "b"}, {Path: "", Msg: "c"}})

	assert.Equal(t, []Problem{{"route.receiver", "a"}, {"route[2].x", "b"}, {"route", "c"}}, got)
}
