package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDocumentedCommandsRun types every command of README and docs into a shell,
// page by page, in a folder where the files exist that the page speaks of. The
// variables smallTraining make networks and trainings small.
func TestDocumentedCommandsRun(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no sh")
	}
	desk := newDesk(t)
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	long := os.Getenv("INCEPTION_LONG") != ""
	ablates := regexp.MustCompile("inception ablate|runs/ladder") // which take longest, so always only those of README
	used := map[string]bool{}
	found := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		typed := commandLines(string(text))
		if len(typed) == 0 {
			continue
		}
		found += len(typed)
		t.Run(filepath.Base(page), func(t *testing.T) {
			r := reader{T: t, dir: t.TempDir(), used: used}
			r.sh("cp -a " + desk + "/. .")
			for _, line := range typed {
				if long || !ablates.MatchString(line) || strings.HasSuffix(page, "README.md") {
					r.follow(line)
				}
			}
			r.stopServing()
		})
	}
	for _, rules := range []map[string]string{typedInstead, notTyped} {
		for shown := range rules {
			if long && !used[shown] {
				t.Errorf("no page shows %q", shown)
			}
		}
	}
	if found < 120 {
		t.Errorf("only %d commands were found", found)
	}
}

// smallTraining makes a training take a moment.
var smallTraining = []string{
	"INCEPTION_MODEL_WIDTH=0.05", "INCEPTION_MODEL_INPUT_SIZE=32", "INCEPTION_MODEL_STEM_STRIDE=1",
	"INCEPTION_MODEL_STEM_POOL=false", "INCEPTION_TRAIN_MAX_STEPS=1", "INCEPTION_TRAIN_BATCH_SIZE=8", "INCEPTION_THREADS=1",
}

// typedInstead says what is typed in place of what a page shows, where that
// takes long or needs a place of this machine.
var typedInstead = map[string]string{
	"go run ./cmd/inception ": "inception ",
	"inception bench ":        "inception bench --time 10ms ",
	"--budget 6h":             "--budget 1s",
	"--seeds 3":               "--seeds 1",
	"--seeds 8":               "--seeds 2",
	"--seeds 9":               "--seeds 1",
	"--steps 150":             "--steps 60",
	"--steps 200":             "--steps 60",
	"inception lr-find --config flowers5 --data DIR": "inception lr-find --config flowers5 --data DIR --steps 60",
	"--config imagenet":                     "--config imagenet --set model.classes=0",
	"check v3.safetensors --precision bf16": "check v3.safetensors --precision fp32", // which every machine has
	"imagefolder:cifar10 --precision bf16":  "imagefolder:cifar10 --precision fp32",  // likewise
	"--data DIR --precision bf16":           "--data DIR --precision fp32",
	"train.precision=bf16":                  "train.precision=fp32",
	" --verify":                             "", // which needs ONNX Runtime
	"--crops 144":                           "--crops 12",
	"/usr/share/datasets/fashion-mnist":     "fashion-mnist",
	"--config quickstart":                   "--config quickstart --data 'shapes:?train=16&val=10&size=32'",
	"--config fashion-mnist":                "--config fashion-mnist --data idx:fashion-mnist",
	"--config my.yaml --set":                "--config my.yaml --data DIR --set",
	"cifar10:DIR":                           "cifar10:binary",
	"weights.pth -o v3.safetensors":         "weights.pth -o imported.safetensors", // those of another network and other labels
	"0cc3c7bd.pth -o v3.safetensors":        "0cc3c7bd.pth -o imported.safetensors",
	"INCEPTION_ISA=avx2 ":                   "INCEPTION_ISA=generic ", // which every machine has
}

// notTyped says why a command that begins so is not typed here.
var notTyped = map[string]string{
	"git clone ":               "fetches what is here already",
	"cd inception":             "the reader is there",
	"go test ":                 "this is such a test",
	"go install ./cmd/":        "writes into the user's own folder",
	"make ":                    "its targets are the Makefile's",
	"mpirun ":                  "needs MPI; internal/cluster/test.sh runs it",
	"inception import --fetch": "fetches 104 MB; a script gives it a server of its own",
	"inception import --no-head inception_v3.ckpt":             "needs TensorFlow's file; internal/interop/slim.py makes one",
	"inception import --from timm":                             "needs a network at full size; internal/interop/timm.py makes one",
	"inception export --weights v3.safetensors --format keras": "needs a network at full size; internal/interop/keras.py makes one",
	"inception check flowers.onnx":                             "needs ONNX Runtime; internal/interop/onnx.py has it",
	"apt ":                                                     "installs other tools",
	"npm ":                                                     "installs other tools",
	"/usr/bin/python3 ":                                        "installs other tools",
	"/opt/interop/":                                            "installs other tools",
	"internal/interop/":                                        "needs PyTorch",
	"curl ":                                                    "is typed only where there is curl",
}

// commandLines returns the commands of a page in their order: indented lines,
// lines of blocks of sh, and code in tables.
func commandLines(page string) []string {
	begins := regexp.MustCompile(`^(?:[A-Z_]+=\S+ |\w+=\$\()*(?:inception|git|cd|go|make|mpirun|curl|find|apt|npm|/usr/bin/python3|/opt/interop|internal/interop)[ /]`)
	inCell := regexp.MustCompile("`(inception [^`]+)`")
	var lines []string
	block := ""
	for line := range strings.Lines(regexp.MustCompile(`\\\n\s*`).ReplaceAllString(page, " ")) {
		line = strings.TrimRight(line, "\n")
		switch fence, opens := strings.CutPrefix(line, "```"); {
		case opens && block == "":
			block = "a block of " + fence
		case opens:
			block = ""
		case strings.HasPrefix(line, "|"):
			for _, cell := range inCell.FindAllStringSubmatch(line, -1) {
				lines = append(lines, cell[1])
			}
		case block == "a block of sh" || block == "" && strings.HasPrefix(line, "    "):
			if line = strings.TrimSpace(line); begins.MatchString(line) && !strings.Contains(line, "[flags]") {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// reader is someone who types what a page shows.
type reader struct {
	*testing.T
	dir     string
	used    map[string]bool // the rules that a command has needed
	server  *exec.Cmd
	address string // of the server
}

// follow types a command, or checks what can be checked of it.
func (r *reader) follow(line string) {
	r.Helper()
	for rule := range notTyped {
		if !strings.HasPrefix(line, rule) {
			continue
		}
		r.used[rule] = true
		if rule == "make " {
			r.hasTarget(strings.Fields(line)[1])
		}
		if _, err := exec.LookPath("curl"); rule != "curl " || err != nil {
			return
		}
	}
	for shown, typed := range typedInstead {
		if strings.Contains(line, shown) {
			r.used[shown] = true
			line = strings.ReplaceAll(line, shown, typed)
		}
	}
	if strings.HasPrefix(line, "inception serve ") {
		r.serve(line)
		return
	}
	r.sh(strings.ReplaceAll(line, "127.0.0.1:8080", r.address))
}

// sh runs a command line in the reader's folder.
func (r *reader) sh(line string) {
	r.Helper()
	begun := time.Now()
	said, err := r.command(line).CombinedOutput()
	// A network that is so small may not learn.
	if err != nil && !strings.Contains(string(said), "lr-find: nothing to suggest") {
		r.Errorf("%s\n%s\n%v", line, said, err)
	}
	r.Logf("%6.2fs %s", time.Since(begun).Seconds(), line)
}

func (r *reader) command(line string) *exec.Cmd {
	c := exec.CommandContext(r.Context(), "sh", "-c", line)
	c.Dir, c.Env = r.dir, append(os.Environ(), smallTraining...)
	return c
}

// serve begins to serve at a free port and waits until it is answered there.
func (r *reader) serve(line string) {
	r.Helper()
	r.stopServing()
	line, _, _ = strings.Cut(strings.ReplaceAll(line, "--addr :8080", ""), "#")
	r.server = r.command("exec " + line + " --addr 127.0.0.1:0")
	said, err := r.server.StdoutPipe()
	if err == nil {
		err = r.server.Start()
	}
	if err != nil {
		r.Fatalf("%s: %v", line, err)
	}
	words, err := bufio.NewReader(said).ReadString('\n')
	_, address, found := strings.Cut(strings.TrimSpace(words), "http://")
	if err != nil || !found {
		r.Fatalf("%s: says %q, %v", line, words, err)
	}
	r.address = address
	answer, err := http.Get("http://" + address + "/v2/health/ready")
	if err != nil || answer.StatusCode != http.StatusOK {
		r.Fatalf("%s: answers %v, %v", line, answer, err)
	}
	_ = answer.Body.Close()
}

// stopServing ends a server as Ctrl-C does.
func (r *reader) stopServing() {
	if r.server == nil {
		return
	}
	_ = r.server.Process.Signal(os.Interrupt)
	if err := r.server.Wait(); r.server.ProcessState.ExitCode() != 128+int(syscall.SIGINT) {
		r.Errorf("serve ended with %v", err)
	}
	r.server = nil
}

// hasTarget fails unless the Makefile has a target.
func (r *reader) hasTarget(name string) {
	r.Helper()
	rules, err := os.ReadFile("../../Makefile")
	if err != nil || !regexp.MustCompile("(?m)^"+regexp.QuoteMeta(name)+":").Match(rules) {
		r.Errorf("make %s: %v", name, err)
	}
}

// newDesk makes the folder in which a reader sits: data, runs and weights under
// the names that the pages give them.
func newDesk(t *testing.T) string {
	r := reader{T: t, dir: t.TempDir()}
	for i, class := range []string{"daisy", "rose", "tabby", "tulip"} {
		for n := range 6 {
			part := "train"
			if n >= 4 {
				part = "val"
			}
			r.write(fmt.Sprintf("photos/%s/%s/%d.jpg", part, class, n), swatch(i, n))
		}
	}
	r.write("map.tsv", []byte("daisy\tdaisy\nrose\trose\ntabby\ttabby\ntulip\ttulip\n"))
	r.write("blacklist.txt", []byte("5.jpg\n"))
	r.writeIDX("fashion-mnist")
	r.writeCIFAR("binary")
	for _, line := range []string{
		"mkdir path path/to; ln -s ../../photos path/to/flowers; ln -s ../../photos path/to/cifar10",
		"ln -s photos imagenet; ln -s photos cifar10; ln -s photos DIR",
		"cp photos/val/tabby/5.jpg cat.jpg; cp photos/val/rose/5.jpg rose.jpg",
		"inception train -q --config flowers5 --data photos --out runs/flowers5",
		"inception train -q --config flowers5 --data photos --out runs/b --seed 2",
		"inception train -q --config fashion-mnist --data idx:fashion-mnist --out runs/fashion",
		"cp -R runs/flowers5 runs/flowers5-20260102-150405; cp -R runs/flowers5 runs/finetune-20260102-150405; cp -R runs/flowers5 runs/a",
		"cp -R runs/flowers5 RUN; cp -R runs/flowers5 F; cp -R runs/b RUN2",
		"inception train -q --config flowers5 --set model.depth=[3,4,2] --data photos --out runs/v3", // has all of V3's modules
		"inception export -q -w runs/v3 --format safetensors -o v3.safetensors; rm -r runs/v3",
		"cp v3.safetensors a.safetensors; cp v3.safetensors b.safetensors; cp v3.safetensors best.safetensors",
		"inception features -q -w v3.safetensors photos/val --layer input -o x.npy",
		"inception train -q --config googlenet --set model.width=1 --set model.input_size=64 --set model.aux=none --set model.aux_early=false --set eval.max_images=4 --batch 1 --data photos --out runs/googlenet",
		"inception export -q -w runs/googlenet --format torchvision -o weights.pth",
		"cp weights.pth inception_v3_google-0cc3c7bd.pth; rm -r runs/googlenet",
	} {
		r.sh(line)
	}
	r.interrupted("runs/stopped")
	return r.dir
}

// interrupted makes a run that Ctrl-C has ended.
func (r *reader) interrupted(dir string) {
	c := r.command("exec inception train --config quickstart --max-steps 100000 --set train.epochs=100000 --out " + dir)
	said, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		r.Fatal(err)
	}
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "epoch 1/") {
			_ = c.Process.Signal(os.Interrupt)
		}
	}
	if err := c.Wait(); c.ProcessState.ExitCode() != 128+int(syscall.SIGINT) {
		r.Fatalf("the training that was interrupted ended with %v", err)
	}
}

func (r *reader) write(name string, data []byte) {
	path := filepath.Join(r.dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err == nil {
		err = os.WriteFile(path, data, 0o666)
	}
	if err != nil {
		r.Fatal(err)
	}
}

// swatch is picture n of a class as a JPEG, a colour with a dark edge.
func swatch(class, n int) []byte {
	im := image.NewRGBA(image.Rect(0, 0, 40, 32))
	c := []color.RGBA{{240, 240, 240, 255}, {220, 20, 30, 255}, {160, 120, 60, 255}, {60, 40, 200, 255}}[class]
	draw.Draw(im, image.Rect(n, 0, 40, 32), image.NewUniform(c), image.Point{}, draw.Src)
	var b strings.Builder
	_ = jpeg.Encode(&b, im, nil)
	return []byte(b.String())
}

// writeIDX writes grey pictures of ten classes as MNIST's files are.
func (r *reader) writeIDX(dir string) {
	for part, n := range map[string]int{"train": 20, "t10k": 10} {
		images, labels := []byte{0, 0, 8, 3}, []byte{0, 0, 8, 1}
		for _, size := range []int{n, 28, 28} {
			images = binary.BigEndian.AppendUint32(images, uint32(size))
		}
		labels = binary.BigEndian.AppendUint32(labels, uint32(n))
		for i := range n {
			images = append(images, slices.Repeat([]byte{byte(25 * i)}, 28*28)...)
			labels = append(labels, byte(i%10))
		}
		r.write(dir+"/"+part+"-images-idx3-ubyte", images)
		r.write(dir+"/"+part+"-labels-idx1-ubyte", labels)
	}
}

// writeCIFAR writes ten pictures a file as CIFAR-10's binary version has them.
func (r *reader) writeCIFAR(dir string) {
	var all []byte
	for class := range 10 {
		all = append(append(all, byte(class)), slices.Repeat([]byte{byte(25 * class)}, 3*32*32)...)
	}
	for _, name := range []string{"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"} {
		r.write(dir+"/"+name+".bin", all)
	}
}
