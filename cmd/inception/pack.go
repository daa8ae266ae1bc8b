package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/inception-go/inception/internal/console"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/shell"
	"github.com/spf13/cobra"
)

// packCommand is `inception dataset pack`.
type packCommand struct {
	*session
	out      string
	shardMiB int64
	seed     uint64
}

func newPack(s *session) *cobra.Command {
	p := &packCommand{session: s}
	c := &cobra.Command{
		Use:   "pack SPEC -o DIR",
		Short: "Write a dataset as tar archives, WebDataset's shards",
		Long: `Write a dataset as tar archives: few large files in place of many small ones, for file
systems that are slow with those. The pictures' bytes stay as they are; images that are
no files become PNG. tar:DIR reads them, and so does WebDataset: a sample is CLASS/NAME.jpg
with the number of its class in CLASS/NAME.cls.`,
		Example: "  inception dataset pack photos -o shards\n  inception train --config flowers5 --data tar:shards",
		Args:    oneArg("the SPEC of a dataset"),
		RunE:    p.run,
	}
	f := c.Flags()
	f.StringVarP(&p.out, "out", "o", "", "`folder` of the archives")
	f.Int64Var(&p.shardMiB, "shard-mib", 256, "size of an archive in MiB, about")
	f.Uint64Var(&p.seed, "seed", 1, "of the order of the pictures in the archives; the same one gives the same bytes")
	_ = c.MarkFlagRequired("out")
	return c
}

// packed is what `dataset pack --json` prints.
type packed struct {
	Images int      `json:"images"`
	Shards []string `json:"shards"`
}

func (p *packCommand) run(c *cobra.Command, args []string) error {
	const most = 1 << 20
	if p.shardMiB < 1 || p.shardMiB > most {
		return usageError{fmt.Errorf("--shard-mib: must be from 1 to %d, is %d", most, p.shardMiB)}
	}
	entries, _ := os.ReadDir(p.out)
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".tar" {
			return usageError{fmt.Errorf("--out: %s holds %s already; choose another folder", p.out, e.Name())}
		}
	}
	src, err := p.openDataset(args[0])
	if err != nil {
		return err
	}
	if err := os.MkdirAll(p.out, 0o777); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	result := packed{}
	bar := p.bar("pack", console.Images)
	result.Shards, err = src.Pack(c.Context(), dataset.Packing{Dir: p.out, Bytes: p.shardMiB << 20, Seed: p.seed,
		Progress: func(done, total int) { result.Images = done; bar.Set(int64(done), int64(total)) }})
	bar.Clear()
	if err != nil {
		return err
	}
	if p.json {
		return p.printJSON(result)
	}
	p.print("%d images in %d archives\n", result.Images, len(result.Shards))
	p.note("next: %s train --config flowers5 --data tar:%s", program(), shell.Quote(p.out))
	return nil
}
