package web

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// patience is how long a request may be under way before its connection may be taken from it for another one.
const patience = 5 * time.Second

// connections bounds how many connections there are. A newcomer is always let in when one of the others has no request under
// way, or one that takes long: the one that has kept us waiting longest is closed for it. So whoever opens connections and
// sends nothing on them, or little, keeps nobody out; a listener that waits until one is closed would.
type connections struct {
	most    int
	dropped prometheus.Counter

	mu   sync.Mutex
	open map[net.Conn]waiting
}

// waiting is since when a connection is in its state, and whether that is a request.
type waiting struct {
	since time.Time
	busy  bool
}

func newConnections(most int, reg prometheus.Registerer) *connections {
	c := &connections{most: most, open: map[net.Conn]waiting{}}
	c.dropped = promauto.With(reg).NewCounter(prometheus.CounterOpts{
		Name: "notifier_http_connections_dropped_total",
		Help: "Connections closed to make room for others, because there were as many as --web.max-connections.",
	})
	promauto.With(reg).NewGaugeFunc(prometheus.GaugeOpts{
		Name: "notifier_http_connections",
		Help: "Connections to the notifier's own port.",
	}, func() float64 {
		c.mu.Lock()
		defer c.mu.Unlock()
		return float64(len(c.open))
	})
	return c
}

// changed is a http.Server's ConnState.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		if len(c.open) < c.most || c.makeRoom(conn) {
			c.open[conn] = waiting{since: time.Now()}
		}
	case http.StateActive, http.StateIdle:
		if _, there := c.open[conn]; there {
			c.open[conn] = waiting{since: time.Now(), busy: state == http.StateActive}
		}
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	}
}

// makeRoom closes the connection that has kept us waiting longest, or else the newcomer itself, and then says false. The caller
// holds mu.
func (c *connections) makeRoom(newcomer net.Conn) bool {
	victim, since, busy := newcomer, time.Now().Add(-patience), true
	for conn, w := range c.open {
		if earlier := w.since.Before(since); w.busy == busy && earlier || busy && !w.busy {
			victim, since, busy = conn, w.since, w.busy
		}
	}
	c.dropped.Inc()
	delete(c.open, victim)
	raw := victim
	if encrypted, is := victim.(*tls.Conn); is {
		raw = encrypted.NetConn() // without a farewell, which could take seconds
	}
	_ = raw.Close() // it is gone in any case
	return victim != newcomer
}
