package report

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/tfrecord"
	"google.golang.org/protobuf/encoding/protowire"
)

// WriteTensorBoard writes the metrics as TensorBoard event files, one below
// dir/tensorboard for each of train and val, so that their curves share a
// diagram. Earlier ones are replaced: a resumed run cuts its metrics back.
func WriteTensorBoard(dir string, lines []Line) error {
	if len(lines) == 0 {
		return nil
	}
	info, err := os.Stat(filepath.Join(dir, rundir.Metrics))
	if err != nil {
		return fmt.Errorf("tensorboard: %w", err)
	}
	end := info.ModTime()
	last := lines[len(lines)-1].ElapsedS
	for _, name := range []string{"train", "val"} {
		of := split(lines, name)
		if len(of) == 0 {
			continue
		}
		folder := filepath.Join(dir, rundir.TensorBoard, name)
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return fmt.Errorf("tensorboard: %w", err)
		}
		err := atomicfile.Write(filepath.Join(folder, "events.out.tfevents.0.inception"), func(w io.Writer) error {
			return writeEvents(w, of, func(l Line) time.Time {
				return end.Add(-time.Duration((last - l.ElapsedS) * float64(time.Second)))
			})
		})
		if err != nil {
			return fmt.Errorf("tensorboard: %w", err)
		}
	}
	return nil
}

func writeEvents(w io.Writer, lines []Line, when func(Line) time.Time) error {
	version := protowire.AppendTag(nil, eventFileVersion, protowire.BytesType)
	version = protowire.AppendString(version, "brain.Event:2")
	if _, err := w.Write(tfrecord.Append(nil, append(eventHead(when(lines[0]), 0), version...))); err != nil {
		return err
	}
	for _, line := range lines {
		event := eventHead(when(line), line.Step)
		event = protowire.AppendTag(event, eventSummary, protowire.BytesType)
		event = protowire.AppendBytes(event, summaryOf(line))
		if _, err := w.Write(tfrecord.Append(nil, event)); err != nil {
			return err
		}
	}
	return nil
}

// Field numbers of tensorflow/core/util/event.proto and
// tensorflow/core/framework/summary.proto.
const (
	eventWallTime    = 1
	eventStep        = 2
	eventFileVersion = 3
	eventSummary     = 5
	summaryValue     = 1
	valueTag         = 1
	valueSimple      = 2
)

func eventHead(t time.Time, step int) []byte {
	b := protowire.AppendTag(nil, eventWallTime, protowire.Fixed64Type)
	b = protowire.AppendFixed64(b, math.Float64bits(float64(t.UnixNano())/1e9))
	b = protowire.AppendTag(b, eventStep, protowire.VarintType)
	return protowire.AppendVarint(b, uint64(step))
}

func summaryOf(l Line) []byte {
	var b []byte
	for _, s := range []struct {
		tag   string
		value float64
		skip  bool
	}{
		{"loss", l.Loss, false},
		{"aux_loss", l.AuxLoss, l.AuxLoss == 0}, {"aux_early_loss", l.AuxEarlyLoss, l.AuxEarlyLoss == 0},
		{"top1", l.Top1, false}, {"top5", l.Top5, false},
		{"lr", l.LR, l.Split != "train"}, {"images_per_s", l.ImagesPerS, false},
	} {
		if s.skip {
			continue
		}
		v := protowire.AppendTag(nil, valueTag, protowire.BytesType)
		v = protowire.AppendString(v, s.tag)
		v = protowire.AppendTag(v, valueSimple, protowire.Fixed32Type)
		v = protowire.AppendFixed32(v, math.Float32bits(float32(s.value)))
		b = protowire.AppendTag(b, summaryValue, protowire.BytesType)
		b = protowire.AppendBytes(b, v)
	}
	return b
}
