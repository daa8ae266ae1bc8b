package tfrecord

import (
	"bytes"
	"testing"
)

func TestARecordIsFramedAsTensorFlowFramesIt(t *testing.T) {
	want := []byte{3, 0, 0, 0, 0, 0, 0, 0} // the length of "abc"
	record := Append(nil, []byte("abc"))
	if !bytes.Equal(record[:8], want) || !bytes.Equal(record[Head:Head+3], []byte("abc")) || len(record) != Head+3+Tail {
		t.Errorf("the record is % x", record)
	}
	// RFC 3720, B.4: CRC-32C of 32 zeros is 8a9136aa; turned by 15 bits and with
	// a282ead8 added, 0fd7fffa.
	const turned = 0x0fd7fffa
	if got := Sum(make([]byte, 32)); got != turned {
		t.Errorf("the checksum of 32 zeros is %08x, want %08x", got, turned)
	}
}

func TestEveryFlippedBitOfARecordIsNoticed(t *testing.T) {
	record := Append(nil, []byte("a record"))
	check := func(record []byte) bool {
		n, err := Length(bytes.NewReader(record), 0)
		return err == nil && n == 8 && Intact(record[Head:])
	}
	if !check(record) {
		t.Fatal("a whole record is damaged")
	}
	for i := range 8 * len(record) {
		record[i/8] ^= 1 << (i % 8)
		if check(record) {
			t.Errorf("bit %d flipped, and nothing is noticed", i)
		}
		record[i/8] ^= 1 << (i % 8)
	}
	if _, err := Length(bytes.NewReader(record[:5]), 0); err == nil || Intact(nil) {
		t.Error("a part of a record is whole")
	}
}
