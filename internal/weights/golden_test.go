package weights

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/picture"
)

// golden returns pictures of every kind of content.
func golden() Golden {
	var all Golden
	for i, size := range [][2]int{{1, 1}, {3, 2}, {40, 7}} {
		im := picture.New(size[0], size[1])
		for j := range im.Pix {
			im.Pix[j] = uint8(37*i + 11*j)
		}
		all = append(all, GoldenPicture{Name: fmt.Sprint("picture ", i), Picture: im, Values: []float32{float32(i), -1.5e-7, 3e8}})
	}
	return all
}

func TestGoldenPicturesAreKeptToTheBit(t *testing.T) {
	want := golden()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Golden
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: %+v, want %+v", err, got, want)
	}
}

func TestHostileGoldenPictures(t *testing.T) {
	text := func(change func(all []goldenText)) string {
		whole, err := json.Marshal(golden())
		if err != nil {
			t.Fatal(err)
		}
		var all []goldenText
		if err := json.Unmarshal(whole, &all); err != nil {
			t.Fatal(err)
		}
		change(all)
		whole, err = json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(whole)
	}
	many, _ := json.Marshal(make([]goldenText, MostGolden+1))
	for name, c := range map[string]struct{ text, want string }{
		"no list":           {`{}`, "cannot unmarshal"},
		"too many":          {string(many), "17 pictures, a file may have 16"},
		"no width":          {text(func(all []goldenText) { all[1].Width = 0 }), `picture "picture 1": is 0x2`},
		"a negative height": {text(func(all []goldenText) { all[1].Height = -2 }), "is 3x-2"},
		"a huge picture":    {text(func(all []goldenText) { all[1].Width = math.MaxInt }), "may have 4194304 pixels"},
		"an area beyond 64 bits": {text(func(all []goldenText) { all[1].Width, all[1].Height = math.MaxInt, math.MaxInt }),
			"may have 4194304 pixels"},
		"too large together": {text(func(all []goldenText) { all[1].Width, all[1].Height = 1<<11, 1<<11 }), "is 2048x2048"},
		"too few pixels":     {text(func(all []goldenText) { all[1].Height = 3 }), "its pixels: unexpected EOF"},
		"too many pixels":    {text(func(all []goldenText) { all[1].Height = 1 }), "do not end after"},
		"no zlib":            {text(func(all []goldenText) { all[1].Pixels = []byte("pixels") }), "its pixels: zlib"},
		"cut off":            {text(func(all []goldenText) { all[1].Pixels = all[1].Pixels[:9] }), "its pixels: unexpected EOF"},
		"no values":          {text(func(all []goldenText) { all[1].Values = nil }), "has 0 bytes of float32"},
		"half a value":       {text(func(all []goldenText) { all[1].Values = all[1].Values[:6] }), "has 6 bytes of float32"},
		"NaN":                {text(func(all []goldenText) { copy(all[1].Values, "\x00\x00\xc0\x7f") }), "NaN or infinite"},
		"no base64":          {`[{"pixels":"*"}]`, "illegal base64"},
	} {
		var got Golden
		if err := json.Unmarshal([]byte(c.text), &got); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func FuzzGolden(f *testing.F) {
	whole, _ := json.Marshal(golden())
	f.Add(whole)
	f.Add([]byte(`[{"name":"a","width":1,"height":1,"pixels":"eJwDAAAAAAE=","values":"AAAAAA=="}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var g Golden
		if json.Unmarshal(text, &g) != nil {
			return
		}
		again, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		var back Golden
		if err := json.Unmarshal(again, &back); err != nil || !reflect.DeepEqual(g, back) {
			t.Fatalf("%v: %+v comes back as %+v", err, g, back)
		}
	})
}
