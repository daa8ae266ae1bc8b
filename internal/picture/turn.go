package picture

// turned undoes an EXIF orientation: 2 mirrored, 3 upside down, 4 both, 5 to 8
// the same with rows and columns exchanged.
func turned(im Image, orientation int) Image {
	if orientation == 1 {
		return im
	}
	out := New(im.W, im.H)
	out.Damage = im.Damage
	if orientation >= 5 {
		out.W, out.H = im.H, im.W
	}
	for y := range out.H {
		for x := range out.W {
			sx, sy := x, y
			if orientation >= 5 {
				sx, sy = y, x
			}
			switch orientation {
			case 2, 8:
				sx = im.W - 1 - sx
			case 3, 7:
				sx, sy = im.W-1-sx, im.H-1-sy
			case 4, 6:
				sy = im.H - 1 - sy
			}
			copy(out.Pix[3*(y*out.W+x):][:3], im.Pix[3*(sy*im.W+sx):])
		}
	}
	return out
}
