/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpctl info: what a dump is and how it was made.
 *
 * One JSON object is made of what the file says; the text is printed from that. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "ctl/cmd.h"
#include "ctl/dumps.h"
#include "image/convert.h"
#include "image/image_kernel.h"
#include "common/text.h"

/* ---- what is known ---- */

static void add_kernel(struct json_object *top, const struct xl_image_vm *vm)
{
	struct json_object *o = json_object_new_object();
	char hex[32], id[64];
	const char *p;

	xl_json_put_text(o, "release", vm->k.release);
	(void)snprintf(hex, sizeof(hex), "%#" PRIx64, vm->k.kaslr_offset);
	xl_json_put_text(o, "kaslr_offset", hex);
	xl_json_put(o, "phys_base", json_object_new_int64(vm->k.phys_base));
	xl_json_put_u64(o, "page_table_levels", vm->levels);
	p = strstr(vm->k.vmcoreinfo, "\nBUILD-ID=");
	if (p && sscanf(p + 10, "%63[0-9a-f]", id) == 1)
		xl_json_put_text(o, "build_id", id);
	xl_json_put(top, "kernel", o);
}

/* All that are whole in memory: found by us, or noted when the dump was made. */
static void add_kernels(struct json_object *top, const struct xl_kernels *all,
			struct json_object *noted)
{
	struct json_object *list;

	if (all->n < 2) {
		if (!all->n && noted)
			xl_json_put(top, "kernels", json_object_get(noted));
		return;
	}
	list = json_object_new_array();
	for (size_t i = 0; i < all->n; i++) {
		const struct xl_kernel_found *k = &all->kernel[i];
		struct json_object *o = json_object_new_object();

		xl_json_put_text(o, "release", k->release);
		xl_json_put_bool(o, "runs", k->runs);
		xl_json_put_bool(o, "crashed", k->crashed);
		(void)json_object_array_add(list, o);
	}
	xl_json_put(top, "kernels", list);
}

static void add_kdump(struct json_object *top, const struct xl_image *img)
{
	struct json_object *o = json_object_new_object();

	xl_json_put_u64(o, "version", img->kdump.version);
	xl_json_put_u64(o, "dump_level", img->kdump.dump_level);
	xl_json_put_u64(o, "left_out_pages", img->kdump.excluded);
	xl_json_put_text(o, "nodename", img->kdump.uts[1]);
	xl_json_put_text(o, "release", img->kdump.uts[2]);
	xl_json_put_bool(o, "incomplete", img->kdump.status & 0x8);
	xl_json_put(top, "kdump", o);
}

static struct json_object *describe(const char *path, struct xl_image *img,
				    const struct xl_image_vm *vm)
{
	struct json_object *o = json_object_new_object(), *note = xl_json_parse(img->json);
	uint32_t vcpus = img->prstatus ? img->prstatus : (uint32_t)img->xen_nr_vcpus;
	char text[64];

	xl_json_put_text(o, "file", path);
	xl_json_put_text(o, "format", xl_image_kind_name(img->kind));
	xl_json_put_bool(o, "flattened", img->flattened);
	xl_json_put_bool(o, "xen_sections", xl_image_section(img, ".xen_pages") != NULL);
	xl_json_put_u64(o, "file_bytes", img->file_bytes);
	xl_json_put_u64(o, "disk_bytes", img->disk_bytes);
	xl_json_put_u64(o, "pages", img->pages);
	xl_json_put_u64(o, "highest_address", img->nr_pfns << XL_PAGE_SHIFT);
	xl_json_put_u64(o, "vcpus", vcpus ? vcpus : img->kdump.nr_cpus);
	if (img->narrow)
		xl_json_put_u64(o, "bits", 32);
	/* What was converted from a file that knows of no Xen has zeros there. */
	if (img->xen_version && (img->xen_major || img->xen_minor)) {
		(void)snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu64 "%s", img->xen_major,
			       img->xen_minor, img->xen_extra);
		xl_json_put_text(o, "xen", text);
	}
	if (img->kind == XL_IMAGE_KDUMP)
		add_kdump(o, img);
	if (vm->k.vmcoreinfo)
		add_kernel(o, vm);
	add_kernels(o, &vm->k.all, xl_json_get(note, "kernels"));
	xl_json_put_bool(o, "digests", xl_image_has_digests(img));
	xl_json_put(o, "provenance", note);
	return o;
}

/* ---- in words ---- */

static void print_guest(struct json_object *o, struct json_object *note)
{
	struct json_object *d = xl_json_get(note, "domain");
	const char *narrow = xl_json_get(o, "bits") ? ", 32 bits" : "";
	char name[256], type[16], uuid[64], memory[32];

	if (!d && narrow[0])
		(void)printf("guest:      PV%s\n", narrow);
	if (!d)
		return;
	(void)printf("guest:      %s (domain %" PRIu64 ", %s%s, %s), %s\n",
		     xl_json_shown(d, "name", name, sizeof(name)), xl_json_number(d, "id"),
		     xl_json_shown(d, "type", type, sizeof(type)), narrow,
		     xl_json_shown(d, "uuid", uuid, sizeof(uuid)),
		     text_size(xl_json_number(d, "memory"), memory, sizeof(memory)));
}

static void print_ranges(struct json_object *ranges)
{
	size_t n = json_object_is_type(ranges, json_type_array) ? json_object_array_length(ranges) :
								  0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *r = json_object_array_get_idx(ranges, i);

		if (i == 8) {
			(void)printf(" ... (--json has all)");
			break;
		}
		if (json_object_is_type(r, json_type_array))
			(void)printf(" %#" PRIx64 "+%" PRIu64,
				     json_object_get_uint64(json_object_array_get_idx(r, 0)),
				     json_object_get_uint64(json_object_array_get_idx(r, 1)));
	}
	(void)printf("\n");
}

static void print_damage(struct json_object *damaged)
{
	(void)printf("damaged:    %" PRIu64 " pages%s, before this file was made from another:",
		     xl_json_number(damaged, XL_DAMAGED_COUNT),
		     xl_json_true(damaged, XL_DAMAGED_HEADERS) ? " and what describes them" : "");
	print_ranges(xl_json_get(damaged, XL_DAMAGED_RANGES));
}

static void print_guarantee(struct json_object *note)
{
	struct json_object *s = xl_json_get(note, "suspects");
	struct json_object *damaged = xl_json_get(note, "damaged");
	char word[32];

	(void)xl_json_shown(note, "guarantee", word, sizeof(word));
	if (damaged)
		print_damage(damaged);
	if (s) {
		(void)printf("guarantee:  all pages except %" PRIu64 " are from that instant:",
			     xl_json_number(s, "count"));
		print_ranges(xl_json_get(s, "ranges"));
	} else if (!strcmp(word, "exact")) {
		(void)printf("guarantee:  exact: every page is from that instant\n");
	} else if (damaged) {
		(void)printf("guarantee:  every other page is of that instant\n");
	} else {
		(void)printf("guarantee:  unknown (%s)\n", word);
	}
}

static void print_how(struct json_object *note)
{
	struct json_object *rounds = xl_json_get(note, "rounds"),
			   *edits = xl_json_get(note, "edits");
	char strategy[32], reason[256], pause[32];
	size_t n = json_object_is_type(rounds, json_type_array) ? json_object_array_length(rounds) : 0;

	(void)printf("strategy:   %s, %zu round%s, ",
		     xl_json_shown(note, "strategy", strategy, sizeof(strategy)), n,
		     n == 1 ? "" : "s");
	if (xl_json_true(note, "was_stopped"))
		(void)printf("the guest was not running");
	else
		(void)printf("the guest was stopped %s",
			     text_time(xl_json_number(xl_json_get(note, "pause_ns"), "total"),
				       pause, sizeof(pause)));
	if (xl_json_shown(note, "reason", reason, sizeof(reason))[0])
		(void)printf(" (%s)", reason);
	(void)printf("\n");
	if (xl_json_true(note, "raw"))
		(void)printf("changed:    nothing: page tables contain mfns\n");
	else if (xl_json_get(note, "tables") || xl_json_number(edits, "count"))
		(void)printf("changed:    %" PRIu64 " page tables rewritten, %" PRIu64
			     " words cleared, %" PRIu64 " of them without a record\n",
			     xl_json_number(note, "tables"),
			     xl_json_number(edits, "count") + xl_json_number(edits, "lost"),
			     xl_json_number(edits, "lost"));
}

static void print_kernel(struct json_object *o)
{
	struct json_object *k = xl_json_get(o, "kernel");
	char release[128], offset[32], id[64];

	if (!k) {
		(void)printf("kernel:     %s\n", xl_json_get(o, "bits") ?
							 "not searched for in a 32-bit guest" :
							 "none recognised");
		return;
	}
	(void)printf("kernel:     Linux %s", xl_json_shown(k, "release", release, sizeof(release)));
	if (strcmp(xl_json_shown(k, "kaslr_offset", offset, sizeof(offset)), "0") != 0)
		(void)printf(", KASLR offset %s", offset);
	if (xl_json_shown(k, "build_id", id, sizeof(id))[0])
		(void)printf(", build-id %s", id);
	(void)printf("\n");
}

static void print_kernels(struct json_object *list)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	char release[128];

	if (n < 2)
		return;
	(void)printf("kernels:    %zu are in memory, as after a kexec:", n);
	for (size_t i = 0; i < n; i++) {
		struct json_object *k = json_object_array_get_idx(list, i);

		(void)printf("%s %zu: %s%s%s", i ? "," : "", i + 1,
			     xl_json_shown(k, "release", release, sizeof(release)),
			     xl_json_true(k, "runs") ? " (runs)" : "",
			     xl_json_true(k, "crashed") ? " (has crashed)" : "");
	}
	(void)printf("; --kernel chooses\n");
}

static void print_kdump(struct json_object *k)
{
	if (!k)
		return;
	(void)printf("kdump:      version %" PRIu64 ", dump level %" PRIu64 ", %" PRIu64
		     " pages left out%s\n",
		     xl_json_number(k, "version"), xl_json_number(k, "dump_level"),
		     xl_json_number(k, "left_out_pages"),
		     xl_json_true(k, "incomplete") ? ", INCOMPLETE" : "");
}

/* What is converted from a file of another tool has digests, but no note; and one that knows of no Xen
 * has none in it. */
static void print_maker(struct json_object *o, struct json_object *note)
{
	char tool[64], xen[64];

	(void)xl_json_shown(note ? note : o, "xen", xen, sizeof(xen));
	(void)printf("made by:    %s%s%s%s\n",
		     note ? xl_json_shown(note, "tool", tool, sizeof(tool)) : "another tool",
		     xen[0] ? " on Xen " : "", xen,
		     !note && xl_json_true(o, "digests") ? ", converted by xldumpctl" : "");
}

static void print_text(struct json_object *o)
{
	struct json_object *note = xl_json_get(o, "provenance");
	char format[32], instant[64], memory[32], apparent[32], disk[32];

	(void)xl_json_shown(o, "format", format, sizeof(format));
	(void)printf("file:       %s\n", json_object_get_string(xl_json_get(o, "file")));
	(void)printf("format:     %s%s%s%s\n", format,
		     !strcmp(format, "elf") && xl_json_true(o, "xen_sections") ?
			     ", with Xen's sections" :
			     "",
		     xl_json_true(o, "flattened") ? ", flattened" : "",
		     xl_json_true(o, "digests") ? ", with digests" : "");
	print_kdump(xl_json_get(o, "kdump"));
	print_guest(o, note);
	print_kernel(o);
	print_kernels(xl_json_get(o, "kernels"));
	(void)printf("vcpus:      %" PRIu64 "\n", xl_json_number(o, "vcpus"));
	if (note) {
		(void)printf("instant:    %s\n",
			     xl_json_shown(note, "instant", instant, sizeof(instant)));
		print_guarantee(note);
		print_how(note);
	} else {
		(void)printf("guarantee:  none stated: not made by xldump\n");
	}
	(void)printf("size:       %" PRIu64 " pages (%s); file of %s, %s on disk\n",
		     xl_json_number(o, "pages"),
		     text_size(xl_json_number(o, "pages") << XL_PAGE_SHIFT, memory, sizeof(memory)),
		     text_size(xl_json_number(o, "file_bytes"), apparent, sizeof(apparent)),
		     text_size(xl_json_number(o, "disk_bytes"), disk, sizeof(disk)));
	print_maker(o, note);
}

static int info(struct xl_ctx *x, const char *path, const char *kernel, bool as_json)
{
	_cleanup_(xl_image_closep) struct xl_image *img = NULL;
	_cleanup_(xl_image_vm_deinit) struct xl_image_vm vm = { 0 };
	_cleanup_json_ struct json_object *o = NULL;
	int r;

	r = xl_image_open(x, path, &img);
	if (r < 0)
		return r;
	img->kernel = kernel;
	r = xl_image_vm_init(x, img, false, &vm);
	if (r == -ENXIO)
		return xl_err(x, r, "%s", path);
	/* A dump without a Linux kernel is one all the same. */
	if (r < 0)
		xl_err_clear(x);
	o = describe(path, img, &vm);
	if (as_json)
		(void)printf("%s\n", xl_json_line(o));
	else
		print_text(o);
	return 0;
}

static int run(struct xl_ctx *x, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "spool", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	_cleanup_free_ char *path = NULL;
	const char *spool = NULL, *kernel = NULL;
	bool as_json = false;
	int c;

	while ((c = cmd_getopt(&cmd_info, argc, argv, "h", options)) != -1) {
		as_json = as_json || c == 'j';
		if (c == 's')
			spool = optarg;
		if (c == 'k')
			kernel = optarg;
	}
	if (argc - optind != 1)
		return cmd_usage_error(&cmd_info, "one file is needed");
	if (dumps_path(x, &cmd_info, spool, argv[optind], &path) < 0 ||
	    info(x, path, kernel, as_json) < 0)
		return cmd_fail(&cmd_info, x);
	return cmd_flush(&cmd_info) ? 0 : XLDUMP_CAUSE_OUTPUT;
}

const struct cmd cmd_info = {
	.name = "info",
	.summary = "show what a dump contains and what it guarantees",
	.usage =
	"usage: xldumpctl info [OPTIONS] FILE|MATCH\n"
	"Show which guest a dump contains, from which instant it is, how it was made, and\n"
	"what it guarantees.  For files of other tools, show what is known.\n"
	"\n"
	DUMPS_USAGE_MATCH
	CMD_USAGE_KERNEL
	"      --json         print one JSON object; xldump-json(5) describes its members\n"
	DUMPS_USAGE_SPOOL
	"  -h, --help         this text\n",
	.run = run,
};
