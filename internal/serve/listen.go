package serve

import (
	"fmt"
	"net"
	"strconv"
)

// Listen listens on host:port and returns the address to type into a browser of this
// machine.
func Listen(addr string) (l net.Listener, address string, err error) {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err != nil {
		return nil, "", fmt.Errorf("must be host:port, such as 127.0.0.1:8080, or :8080 for all of this machine's "+
			"addresses, with a port up to 65535; is %q", addr)
	}
	if l, err = net.Listen("tcp", addr); err != nil {
		return nil, "", err
	}
	at := l.Addr().(*net.TCPAddr)
	host := at.IP.String()
	if at.IP.IsUnspecified() { // all addresses, and none to go to
		host = "127.0.0.1"
	}
	return l, "http://" + net.JoinHostPort(host, strconv.Itoa(at.Port)), nil
}
