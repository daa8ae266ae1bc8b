package picture

import (
	"encoding/json"
	"fmt"
)

// ColorOrder is the order of the input's planes, the only one there is.
const ColorOrder = "RGB"

// plain has Preprocess' fields without its methods.
type plain Preprocess

// stated is a preprocessing for readers in other languages: with what follows from
// its fields and what goes without saying here.
type stated struct {
	plain
	Resize     int    `json:"resize,omitempty"` // what Shorter resizes the shorter side to, pixels
	ColorOrder string `json:"color_order"`
}

// MarshalJSON implements json.Marshaler.
func (p Preprocess) MarshalJSON() ([]byte, error) {
	s := stated{plain: plain(p), ColorOrder: ColorOrder}
	if p.Geometry == Shorter && p.CropPct > 0 {
		s.Resize = p.resize()
	}
	return json.Marshal(s)
}

// UnmarshalJSON implements json.Unmarshaler. Planes in another order are an error.
func (p *Preprocess) UnmarshalJSON(text []byte) error {
	s := stated{plain: plain(*p), ColorOrder: ColorOrder}
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if s.ColorOrder != ColorOrder {
		return fmt.Errorf("color_order must be %s, is %q", ColorOrder, s.ColorOrder)
	}
	*p = Preprocess(s.plain)
	return nil
}
