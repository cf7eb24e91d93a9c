package main

import (
	"fmt"
	"sort"
	"strings"

	"github.com/docker/go-units"
	"github.com/urfave/cli/v2"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

var listImages = &cli.Command{
	Name: "images", Aliases: []string{"image", "img"}, Usage: "list images", ArgsUsage: "[REPOSITORY[:TAG]]",
	UseShortOptionHandling: true,
	Flags: []cli.Flag{
		boolFlag("digests", "", "show digests"),
		boolFlag("no-trunc", "", "whole ids in the table"),
		outputFlag("json|yaml|table", ""),
		boolFlag("quiet", "q", "only ids"),
	},
	Action: func(context *cli.Context) error {
		client, err := imageClient()
		if err != nil {
			return err
		}
		filter := &cri.ImageFilter{Image: &cri.ImageSpec{Image: context.Args().First()}}
		response := &cri.ListImagesResponse{}
		if err := client.call("ListImages", &cri.ListImagesRequest{Filter: filter}, response, about{"filter", filter}); err != nil {
			return fmt.Errorf("listing images: %w", err)
		}
		sort.Slice(response.Images, func(a, b int) bool { return before(response.Images[a], response.Images[b]) })
		if shown, err := listIn(context.String("output"), response); shown || err != nil {
			return err
		}
		showImages(context, response.Images)
		return nil
	},
}

func before(a, b *cri.Image) bool {
	if len(a.RepoTags) > 0 && len(b.RepoTags) > 0 {
		return a.RepoTags[0] < b.RepoTags[0]
	}
	if len(a.RepoDigests) > 0 && len(b.RepoDigests) > 0 {
		return a.RepoDigests[0] < b.RepoDigests[0]
	}
	return a.Id < b.Id
}

func showImages(context *cli.Context, images []*cri.Image) {
	rows := [][]string{{"IMAGE", "TAG", "IMAGE ID", "SIZE"}}
	if context.Bool("digests") {
		rows = [][]string{{"IMAGE", "TAG", "DIGEST", "IMAGE ID", "SIZE"}}
	}
	for _, image := range images {
		if context.Bool("quiet") {
			fmt.Println(image.Id)
			continue
		}
		id, digest, size := image.Id, digestOf(image), units.HumanSizeWithPrecision(float64(image.Size_), 3)
		if !context.Bool("no-trunc") {
			id, digest = shortID(id), shortID(digest)
		}
		for _, tagged := range taggedNames(image) {
			row := []string{tagged[0], tagged[1], id, size}
			if context.Bool("digests") {
				row = []string{tagged[0], tagged[1], digest, id, size}
			}
			rows = append(rows, row)
		}
	}
	if !context.Bool("quiet") {
		printTable(rows)
	}
}

const none = "<none>"

func digestOf(image *cri.Image) string {
	if len(image.RepoDigests) == 0 {
		return none
	}
	_, digest, _ := strings.Cut(image.RepoDigests[0], "@")
	return digest
}

// taggedNames are name and tag of each tag; an image without one is shown by the name that it was pulled by.
func taggedNames(image *cri.Image) [][2]string {
	name := none
	if len(image.RepoDigests) > 0 {
		name, _, _ = strings.Cut(image.RepoDigests[0], "@")
	}
	if len(image.RepoTags) == 0 {
		return [][2]string{{name, none}}
	}
	var names [][2]string
	for _, tag := range image.RepoTags {
		colon := max(strings.LastIndex(tag, ":"), 0)
		repository := tag[:colon]
		if repository == none {
			repository = name
		}
		names = append(names, [2]string{repository, strings.TrimPrefix(tag[colon:], ":")})
	}
	return names
}
