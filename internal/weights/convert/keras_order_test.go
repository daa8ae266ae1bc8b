package convert

import (
	"slices"
	"testing"
)

// The numbers are those of Keras 3.15's keras.applications.InceptionV3, in the
// order of its model.layers.
func TestKerasOrder(t *testing.T) {
	want := []int{
		0, 1, 2, 3, 4, 8, 6, 9, 5, 7, 10, 11, 15, 13, 16, 12, 14, 17, 18, 22, 20, 23, 19, 21,
		24, 25, 27, 28, 26, 29, 34, 35, 31, 36, 32, 37, 30, 33, 38, 39, 44, 45, 41, 46, 42, 47, 40, 43,
		48, 49, 54, 55, 51, 56, 52, 57, 50, 53, 58, 59, 64, 65, 61, 66, 62, 67, 60, 63, 68, 69, 72, 73,
		70, 74, 71, 75, 80, 77, 81, 78, 79, 82, 83, 76, 84, 89, 86, 90, 87, 88, 91, 92, 85, 93,
	}
	convs, err := plainConvs()
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, e := range kerasOrder(convs) {
		if !e.norm {
			got = append(got, e.number)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("order\n%v\nwant\n%v", got, want)
	}
}

func TestLayersAreDeclaredBranchByBranch(t *testing.T) {
	got := declared([]string{
		"Conv2d_1a_3x3", "Mixed_5b.branch1x1", "Mixed_5b.branch3x3dbl_1", "Mixed_5b.branch5x5_1",
		"Mixed_5b.branch3x3dbl_2", "Mixed_5b.branch5x5_2", "Mixed_5b.branch_pool", "Mixed_7b.branch3x3_2b",
		"Mixed_7b.branch3x3_2a", "Mixed_7b.branch3x3_1",
	})
	want := []string{
		"Conv2d_1a_3x3", "Mixed_5b.branch1x1", "Mixed_5b.branch5x5_1", "Mixed_5b.branch5x5_2",
		"Mixed_5b.branch3x3dbl_1", "Mixed_5b.branch3x3dbl_2", "Mixed_5b.branch_pool", "Mixed_7b.branch3x3_1",
		"Mixed_7b.branch3x3_2a", "Mixed_7b.branch3x3_2b",
	}
	if !slices.Equal(got, want) {
		t.Errorf("order %v", got)
	}
}
