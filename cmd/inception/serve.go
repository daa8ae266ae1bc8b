package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/inception-go/inception/internal/serve"
	"github.com/spf13/cobra"
)

// serveCommand is `inception serve`.
type serveCommand struct {
	*session
	weights, addr, name string
	inputSize           int
	maxBody             int64 // MiB
	precision           precisionFlags
	options             serve.Options
}

func newServe(s *session) *cobra.Command {
	v := &serveCommand{session: s, options: serve.DefaultOptions()}
	c := &cobra.Command{
		Use:   "serve --weights F",
		Short: "Answer pictures over HTTP",
		Long: `Serve a network over HTTP: a page to drop pictures on, POST /predict, /features and
/explain with a picture as the body, a multipart form or JSON in base64, the Open
Inference Protocol (KServe's v2) under /v2, and figures for Prometheus under /metrics.
Pictures of several requests run together. Other machines are answered only if --addr
says so. Ctrl-C answers the requests under way and stops. A first request:
curl --data-binary @rose.jpg http://127.0.0.1:8080/predict`,
		Example: `  inception serve --weights runs/flowers5
  inception serve --weights v3.safetensors --addr :8080 --batch 16 --max-delay 10ms`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return v.run(c.Context()) },
	}
	f, o := c.Flags(), &v.options
	f.StringVarP(&v.weights, "weights", "w", "", "weight file or run folder")
	f.StringVar(&v.addr, "addr", "127.0.0.1:8080", "`host:port` to listen on; port 0 for any free one")
	f.StringVar(&v.name, "name", "", "model's `name` in /v2/models/NAME (default: that of the file or folder)")
	f.IntVarP(&o.Batch, "batch", "b", o.Batch, "pictures that run together at most, also --batch-size")
	f.DurationVar(&o.Delay, "max-delay", o.Delay, "time that a picture waits at most for others that are about to come")
	f.IntVar(&o.Queue, "queue", o.Queue, "pictures under way at once; more are refused with status 429")
	f.IntVar(&o.Connections, "max-connections", o.Connections, "connections at once; more wait")
	f.Int64Var(&v.maxBody, "max-body", o.Body>>20, "largest request in MiB")
	f.DurationVar(&o.Timeout, "timeout", o.Timeout, "longest time of a request, its reading included")
	f.IntVar(&v.inputSize, "input-size", 0, "use this size instead of the weights' own")
	v.precision.addFlags(f, false)
	_ = c.MarkFlagRequired("weights")
	reads(c, pictureKeys...)
	return c
}

// The limits to pictures of strangers, unless --set says otherwise.
var servedPictures = []string{"data.max_pixels=67108864", "data.decode_mib=1024"}

func (v *serveCommand) run(ctx context.Context) (err error) {
	o := &v.options
	o.Body = v.maxBody << 20
	if v.maxBody < 1 || v.maxBody > 1<<10 {
		return usageError{fmt.Errorf("--max-body: must be from 1 to 1024, is %d", v.maxBody)}
	}
	if err := atLeast1("input-size", v.inputSize); err != nil {
		return err
	}
	if err := o.Validate(); err != nil {
		return usageError{fmt.Errorf("--%w", err)}
	}
	o.Bodies = max(o.Bodies, 4*o.Body)
	if o.Precision, err = v.precision.value(); err != nil {
		return err
	}
	v.set = append(servedPictures[:len(servedPictures):len(servedPictures)], v.set...)
	limits, err := v.pictureOptions()
	if err != nil {
		return err
	}
	o.Decoder, o.Version, o.Log = limits.Decoder(), version(), v.warn
	if o.Weights, o.Metadata, err = v.loadWeights(v.weights); err != nil {
		return err
	}
	if o.Precision, err = o.Weights.Precision(o.Precision); err != nil {
		return usageError{fmt.Errorf("%s: %w", v.weights, err)}
	}
	if v.inputSize > 0 {
		o.Metadata.Preprocess.Size = v.inputSize
	}
	if o.Name, err = serve.ModelName(v.name, v.weights); err != nil {
		return usageError{fmt.Errorf("--name: %w", err)}
	}
	return v.listen(ctx)
}

// listen serves until a signal comes.
func (v *serveCommand) listen(ctx context.Context) error {
	l, address, err := serve.Listen(v.addr)
	if err != nil {
		return usageError{fmt.Errorf("--addr: %w", err)}
	}
	defer l.Close() //nolint:errcheck // nothing is written through it
	s, err := serve.New(v.options)
	if err != nil {
		return fmt.Errorf("%s: %w", v.weights, err)
	}
	if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		v.warn("other machines can reach the server, which has no login and no encryption")
	}
	if v.json {
		err = v.printJSON(map[string]string{"name": v.options.Name, "address": address})
	} else {
		v.print("serving %s on %s\n", v.options.Name, address)
	}
	if err == nil {
		err = s.Serve(ctx, l)
	}
	err = errors.Join(err, s.Close())
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}
