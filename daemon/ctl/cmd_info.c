/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpctl info: what a dump is and how it was made.
 *
 * One JSON object is made of what the file says; the text is printed from that. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "ctl/cmd.h"
#include "ctl/dumps.h"
#include "format/digest_format.h"
#include "image/image_kernel.h"
#include "common/text.h"

static void putp(struct json_object **o)
{
	json_object_put(*o);
}

/* Take ownership of value; no memory for it means that the member is missing. */
static void add(struct json_object *o, const char *key, struct json_object *value)
{
	if (value && json_object_object_add(o, key, value) < 0)
		json_object_put(value);
}

static void add_u64(struct json_object *o, const char *key, uint64_t v)
{
	add(o, key, json_object_new_uint64(v));
}

static void add_text(struct json_object *o, const char *key, const char *text)
{
	add(o, key, json_object_new_string(text));
}

/* ---- what is known ---- */

static void add_kernel(struct json_object *top, const struct xl_image_vm *vm)
{
	struct json_object *o = json_object_new_object();
	char hex[32], id[64];
	const char *p;

	add_text(o, "release", vm->k.release);
	(void)snprintf(hex, sizeof(hex), "%#" PRIx64, vm->k.kaslr_offset);
	add_text(o, "kaslr_offset", hex);
	add(o, "phys_base", json_object_new_int64(vm->k.phys_base));
	add_u64(o, "page_table_levels", vm->levels);
	p = strstr(vm->k.vmcoreinfo, "\nBUILD-ID=");
	if (p && sscanf(p + 10, "%63[0-9a-f]", id) == 1)
		add_text(o, "build_id", id);
	add(top, "kernel", o);
}

static void add_kdump(struct json_object *top, const struct xl_image *img)
{
	struct json_object *o = json_object_new_object();

	add_u64(o, "version", img->kdump.version);
	add_u64(o, "dump_level", img->kdump.dump_level);
	add_u64(o, "left_out_pages", img->kdump.excluded);
	add_text(o, "nodename", img->kdump.uts[1]);
	add_text(o, "release", img->kdump.uts[2]);
	add(o, "incomplete", json_object_new_boolean(img->kdump.status & 0x8));
	add(top, "kdump", o);
}

static struct json_object *describe(const char *path, struct xl_image *img,
				    const struct xl_image_vm *vm)
{
	struct json_object *o = json_object_new_object(), *note = NULL;
	uint32_t vcpus = img->prstatus ? img->prstatus : (uint32_t)img->xen_nr_vcpus;
	char text[64];

	if (img->json)
		note = json_tokener_parse(img->json);
	add_text(o, "file", path);
	add_text(o, "format", xl_image_kind_name(img->kind));
	add(o, "flattened", json_object_new_boolean(img->flattened));
	add(o, "xen_sections", json_object_new_boolean(xl_image_section(img, ".xen_pages") != NULL));
	add_u64(o, "file_bytes", img->file_bytes);
	add_u64(o, "disk_bytes", img->disk_bytes);
	add_u64(o, "pages", img->pages);
	add_u64(o, "highest_address", img->nr_pfns << XL_PAGE_SHIFT);
	add_u64(o, "vcpus", vcpus ? vcpus : img->kdump.nr_cpus);
	if (img->narrow)
		add_u64(o, "bits", 32);
	if (img->xen_version) {
		(void)snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu64 "%s", img->xen_major,
			       img->xen_minor, img->xen_extra);
		add_text(o, "xen", text);
	}
	if (img->kind == XL_IMAGE_KDUMP)
		add_kdump(o, img);
	if (vm->k.vmcoreinfo)
		add_kernel(o, vm);
	add(o, "digests", json_object_new_boolean(xl_image_section(img, DIGEST_SECTION) != NULL));
	add(o, "provenance", note);
	return o;
}

/* ---- in words ---- */

static struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	return o && json_object_object_get_ex(o, key, &v) ? v : NULL;
}

/* From a file: any text may be in it. */
static const char *text_of(struct json_object *o, const char *key, char *buf, size_t size)
{
	struct json_object *v = get(o, key);

	(void)snprintf(buf, size, "%s", v ? json_object_get_string(v) : "");
	for (char *p = buf; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return buf;
}

static uint64_t u64_of(struct json_object *o, const char *key)
{
	struct json_object *v = get(o, key);

	return v ? json_object_get_uint64(v) : 0;
}

static bool true_of(struct json_object *o, const char *key)
{
	struct json_object *v = get(o, key);

	return v && json_object_get_boolean(v);
}

static void print_guest(struct json_object *o, struct json_object *note)
{
	struct json_object *d = get(note, "domain");
	const char *narrow = get(o, "bits") ? " of 32 bits" : "";
	char name[256], type[16], uuid[64], memory[32];

	if (!d && narrow[0])
		(void)printf("guest:      PV%s\n", narrow);
	if (!d)
		return;
	(void)printf("guest:      %s (domain %" PRIu64 ", %s%s, %s), %s\n",
		     text_of(d, "name", name, sizeof(name)), u64_of(d, "id"),
		     text_of(d, "type", type, sizeof(type)), narrow,
		     text_of(d, "uuid", uuid, sizeof(uuid)),
		     text_size(u64_of(d, "memory"), memory, sizeof(memory)));
}

static void print_guarantee(struct json_object *note)
{
	struct json_object *s = get(note, "suspects"), *ranges = get(s, "ranges");
	char word[32];

	if (!strcmp(text_of(note, "guarantee", word, sizeof(word)), "exact")) {
		(void)printf("guarantee:  exact: every page is of that instant\n");
		return;
	}
	if (!s) {
		(void)printf("guarantee:  unknown (%s)\n", word);
		return;
	}
	(void)printf("guarantee:  all pages but %" PRIu64 " are of that instant:", u64_of(s, "count"));
	for (size_t i = 0; ranges && i < json_object_array_length(ranges); i++) {
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

static void print_how(struct json_object *note)
{
	struct json_object *rounds = get(note, "rounds"), *edits = get(note, "edits");
	char strategy[32], reason[256], pause[32];
	size_t n = json_object_is_type(rounds, json_type_array) ? json_object_array_length(rounds) : 0;

	(void)printf("strategy:   %s, %zu round%s, ", text_of(note, "strategy", strategy,
							      sizeof(strategy)), n, n == 1 ? "" : "s");
	if (true_of(note, "was_stopped"))
		(void)printf("the guest was not running");
	else
		(void)printf("the guest was stopped %s",
			     text_time(u64_of(get(note, "pause_ns"), "total"), pause, sizeof(pause)));
	if (text_of(note, "reason", reason, sizeof(reason))[0])
		(void)printf(" (%s)", reason);
	(void)printf("\n");
	if (true_of(note, "raw"))
		(void)printf("changed:    nothing: page tables hold frames of the host\n");
	else if (get(note, "tables") || u64_of(edits, "count"))
		(void)printf("changed:    %" PRIu64 " page tables rewritten, %" PRIu64
			     " words cleared, %" PRIu64 " of them without a record\n",
			     u64_of(note, "tables"), u64_of(edits, "count") + u64_of(edits, "lost"),
			     u64_of(edits, "lost"));
}

static void print_kernel(struct json_object *o)
{
	struct json_object *k = get(o, "kernel");
	char release[128], offset[32], id[64];

	if (!k) {
		(void)printf("kernel:     %s\n", get(o, "bits") ? "not looked for: of 32 bits" :
							     "none that is recognised");
		return;
	}
	(void)printf("kernel:     Linux %s", text_of(k, "release", release, sizeof(release)));
	if (strcmp(text_of(k, "kaslr_offset", offset, sizeof(offset)), "0") != 0)
		(void)printf(", KASLR offset %s", offset);
	if (text_of(k, "build_id", id, sizeof(id))[0])
		(void)printf(", build-id %s", id);
	(void)printf("\n");
}

static void print_kdump(struct json_object *k)
{
	if (!k)
		return;
	(void)printf("kdump:      version %" PRIu64 ", dump level %" PRIu64 ", %" PRIu64
		     " pages left out%s\n", u64_of(k, "version"), u64_of(k, "dump_level"),
		     u64_of(k, "left_out_pages"), true_of(k, "incomplete") ? ", INCOMPLETE" : "");
}

static void print_text(struct json_object *o)
{
	struct json_object *note = get(o, "provenance");
	char format[32], instant[64], memory[32], apparent[32], disk[32], tool[64], xen[64];

	(void)text_of(o, "format", format, sizeof(format));
	(void)printf("file:       %s\n", json_object_get_string(get(o, "file")));
	(void)printf("format:     %s%s%s%s\n", format,
		     !strcmp(format, "elf") && true_of(o, "xen_sections") ? ", with Xen's sections" : "",
		     true_of(o, "flattened") ? ", flattened" : "",
		     true_of(o, "digests") ? ", with digests" : "");
	print_kdump(get(o, "kdump"));
	print_guest(o, note);
	print_kernel(o);
	(void)printf("vcpus:      %" PRIu64 "\n", u64_of(o, "vcpus"));
	if (note) {
		(void)printf("instant:    %s\n", text_of(note, "instant", instant, sizeof(instant)));
		print_guarantee(note);
		print_how(note);
	} else {
		(void)printf("guarantee:  none is stated: not a file of xldump\n");
	}
	(void)printf("size:       %" PRIu64 " pages (%s); file of %s, %s on disk\n", u64_of(o, "pages"),
		     text_size(u64_of(o, "pages") << XL_PAGE_SHIFT, memory, sizeof(memory)),
		     text_size(u64_of(o, "file_bytes"), apparent, sizeof(apparent)),
		     text_size(u64_of(o, "disk_bytes"), disk, sizeof(disk)));
	if (text_of(note ? note : o, "xen", xen, sizeof(xen))[0])
		(void)printf("made by:    %s on Xen %s\n",
			     note ? text_of(note, "tool", tool, sizeof(tool)) : "another tool", xen);
}

static int info(struct xl_ctx *x, const char *path, bool as_json)
{
	_cleanup_(xl_image_closep) struct xl_image *img = NULL;
	_cleanup_(xl_image_vm_deinit) struct xl_image_vm vm = { 0 };
	_cleanup_(putp) struct json_object *o = NULL;
	int r;

	r = xl_image_open(x, path, &img);
	if (r < 0)
		return r;
	/* A dump without a Linux kernel is one all the same. */
	if (xl_image_vm_init(x, img, false, &vm) < 0)
		xl_err_clear(x);
	o = describe(path, img, &vm);
	if (as_json)
		(void)printf("%s\n", json_object_to_json_string_ext(o,
			     JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	else
		print_text(o);
	return 0;
}

static int run(struct xl_ctx *x, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "spool", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	_cleanup_free_ char *path = NULL;
	const char *spool = NULL;
	bool as_json = false;
	int c;

	while ((c = cmd_getopt(&cmd_info, argc, argv, "h", options)) != -1) {
		as_json = as_json || c == 'j';
		if (c == 's')
			spool = optarg;
	}
	if (argc - optind != 1)
		return cmd_usage_error(&cmd_info, "one file is needed");
	if (dumps_path(x, &cmd_info, spool, argv[optind], &path) < 0 || info(x, path, as_json) < 0)
		return cmd_fail(&cmd_info, x);
	return cmd_flush(&cmd_info) ? 0 : XLDUMP_CAUSE_OUTPUT;
}

const struct cmd cmd_info = {
	.name = "info",
	.summary = "say what is in a file, and what it promises",
	.usage =
	"usage: xldumpctl info [OPTIONS] FILE|MATCH\n"
	"Say which guest is in a dump, of which instant, how it was made, and what the\n"
	"file promises.  Of files of other tools: what is known.\n"
	"\n"
	DUMPS_USAGE_MATCH
	"      --json         one JSON object; xldumpctl(1) describes its members\n"
	DUMPS_USAGE_SPOOL
	"  -h, --help         this text\n",
	.run = run,
};
