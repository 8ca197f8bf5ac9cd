// Judges notes, proofs and tiles with golang.org/x/mod/sumdb, an implementation that is not ours.
//
// Reads cases as JSON from the file named by its argument, prints the name of every case that did
// not come out as it says, and fails where there is one.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type testCase struct {
	Name       string
	Kind       string
	Good       bool
	Key        string
	Checkpoint string
	Leaf       []byte
	Index      int64
	Hashes     []string
	OldSize    int64
	OldRoot    string
	Dir        string
	Leaves     string
}

// open verifies a checkpoint and answers size and root.
func open(c testCase) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(c.Key)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open([]byte(c.Checkpoint), note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("text has %d lines", len(lines))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func hashes(texts []string) ([]tlog.Hash, error) {
	var all []tlog.Hash
	for _, text := range texts {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return nil, err
		}
		all = append(all, hash)
	}
	return all, nil
}

// tiles reads tiles from the folder in which a server would find them.
type tiles struct{ dir string }

func (t tiles) Height() int                      { return 8 }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		path := strings.TrimPrefix(tile.Path(), "tile/8/")
		content, err := os.ReadFile(filepath.Join(t.dir, "tile", path))
		if err != nil {
			return nil, err
		}
		found = append(found, content)
	}
	return found, nil
}

// walk reads every leaf hash through the tiles and proves every leaf from them.
func walk(c testCase, tree tlog.Tree) error {
	leaves, err := os.ReadFile(c.Leaves)
	if err != nil {
		return err
	}
	if int64(len(leaves)) != tree.N*64 {
		return fmt.Errorf("%d bytes of leaves", len(leaves))
	}
	reader := tlog.TileHashReader(tree, tiles{c.Dir})
	for n := int64(0); n < tree.N; n++ {
		hash := tlog.RecordHash(leaves[n*64 : n*64+64])
		stored, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
		if err != nil {
			return err
		}
		if stored[0] != hash {
			return fmt.Errorf("leaf %d is another one", n)
		}
		proof, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, hash); err != nil {
			return err
		}
	}
	return nil
}

func judge(c testCase) error {
	tree, err := open(c)
	if err != nil {
		return err
	}
	proof, err := hashes(c.Hashes)
	if err != nil {
		return err
	}
	switch c.Kind {
	case "checkpoint":
		return nil
	case "inclusion":
		return tlog.CheckRecord(proof, tree.N, tree.Hash, c.Index, tlog.RecordHash(c.Leaf))
	case "consistency":
		old, err := base64.StdEncoding.DecodeString(c.OldRoot)
		if err != nil || len(old) != tlog.HashSize {
			return fmt.Errorf("old root: %v", err)
		}
		var root tlog.Hash
		copy(root[:], old)
		return tlog.CheckTree(proof, tree.N, tree.Hash, c.OldSize, root)
	case "tiles":
		return walk(c, tree)
	}
	return fmt.Errorf("kind %q", c.Kind)
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	var cases []testCase
	if err == nil {
		err = json.Unmarshal(text, &cases)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	failed := false
	for _, c := range cases {
		err := judge(c)
		if (err == nil) != c.Good {
			fmt.Printf("%s: %v\n", c.Name, err)
			failed = true
		}
	}
	fmt.Printf("%d cases judged\n", len(cases))
	if failed {
		os.Exit(1)
	}
}
