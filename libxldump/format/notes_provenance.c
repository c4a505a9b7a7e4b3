/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our own note: how the dump was taken, what it promises and what in it is not as in the guest.
 *
 *	{ "format": 1, "tool": "xldump 0.1.0", "xen": "4.17.7",
 *	  "domain": { "name", "id", "uuid", "type", "bits": 32, "vcpus", "memory" },
 *	  "instant": "2026-11-21T10:29:12.123456789Z",
 *	  "strategy": "precopy", "reason": "",
 *	  "rounds": [ { "dirty", "copied", "ns" }, ... ],
 *	  "pause_ns": { "total", "settle", "fetch", "p2m", "copy", "vcpus" },
 *	  "was_stopped": false, "pages": 49152,
 *	  "guarantee": "exact", or "suspects" with
 *	  "suspects": { "count", "ranges": [ [first, count], ... ], "complete": true },
 *	  "edits": { "count", "lost" },
 *	  "tables": 190, "raw": true,
 *	  "prstatus_cr3": { "vcpu": 0, "cr3": 4096, "from": "vcpu", "id": 3 },
 *	  "kernel": "6.1.0-..." }
 *
 * Numbers of pages are pages, "memory" is bytes.  Members that do not apply are left out: a reader
 * must expect that, and members that it does not know.
 */
#include "format/notes.h"

#include <inttypes.h>
#include <json-c/json.h>

#include "format/notes_format.h"

#define NOTE_VERSION 1

/* Builds JSON without a check after every step: a failure sticks. */
struct js {
	bool failed;
};

static struct json_object *keep(struct js *j, struct json_object *o)
{
	if (!o)
		j->failed = true;
	return o;
}

/* Takes ownership of value. */
static void add(struct js *j, struct json_object *to, const char *key, struct json_object *value)
{
	if (!value || !to || json_object_object_add(to, key, value) < 0) {
		json_object_put(value);
		j->failed = true;
	}
}

static void append(struct js *j, struct json_object *to, struct json_object *value)
{
	if (!value || !to || json_object_array_add(to, value) < 0) {
		json_object_put(value);
		j->failed = true;
	}
}

static void add_u64(struct js *j, struct json_object *to, const char *key, uint64_t v)
{
	add(j, to, key, json_object_new_uint64(v));
}

/* A text from outside.  JSON must be UTF-8 and a guest may say anything, so: printable ASCII. */
static void add_text(struct js *j, struct json_object *to, const char *key, const char *text,
		     size_t size)
{
	char clean[XLDUMP_NAME_MAX];
	size_t n = strnlen(text, size < sizeof(clean) ? size : sizeof(clean) - 1);

	for (size_t i = 0; i < n; i++)
		clean[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	add(j, to, key, json_object_new_string_len(clean, (int)n));
}

/* Makes an object and hands it to its parent, which owns it. */
static struct json_object *add_object(struct js *j, struct json_object *to, const char *key)
{
	struct json_object *o = keep(j, json_object_new_object());

	add(j, to, key, o);
	return j->failed ? NULL : o;
}

static struct json_object *add_array(struct js *j, struct json_object *to, const char *key)
{
	struct json_object *o = keep(j, json_object_new_array());

	add(j, to, key, o);
	return j->failed ? NULL : o;
}

static void add_domain(struct js *j, struct json_object *top, const struct xl_cut *cut)
{
	struct json_object *o = add_object(j, top, "domain");
	const uint8_t *u = cut->dom.uuid;
	const char *type = xldump_guest_type_name(cut->type);
	char uuid[40];

	(void)snprintf(uuid, sizeof(uuid),
		       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		       u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11],
		       u[12], u[13], u[14], u[15]);
	add_text(j, o, "name", cut->name, sizeof(cut->name));
	add_u64(j, o, "id", cut->dom.domid);
	add_text(j, o, "uuid", uuid, sizeof(uuid));
	add_text(j, o, "type", type ? type : "?", 16);
	if (cut->narrow)
		add_u64(j, o, "bits", 32);
	add_u64(j, o, "vcpus", xl_notes_vcpus(cut));
	add_u64(j, o, "memory", cut->dom.tot_pages << XL_PAGE_SHIFT);
}

static void add_xen_version(struct js *j, struct json_object *top, const struct xl_host *host)
{
	char v[64];

	(void)snprintf(v, sizeof(v), "%" PRIu32 ".%" PRIu32 "%.*s", host->xen_major,
		       host->xen_minor, (int)sizeof(host->xen_extra), host->xen_extra);
	add_text(j, top, "xen", v, sizeof(v));
}

static void add_instant(struct js *j, struct json_object *top, const struct timespec *t)
{
	char day[64], text[96];
	struct tm tm;

	if (!gmtime_r(&t->tv_sec, &tm) || !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm))
		return;
	(void)snprintf(text, sizeof(text), "%s.%09ldZ", day, (long)t->tv_nsec);
	add_text(j, top, "instant", text, sizeof(text));
}

static void add_times(struct js *j, struct json_object *top, const struct xl_cut *cut)
{
	unsigned rounds = cut->rounds < XL_MAX_ROUNDS ? cut->rounds : XL_MAX_ROUNDS;
	const struct xl_pause_times *p = &cut->pause_ns;
	struct json_object *o = add_array(j, top, "rounds");

	for (unsigned i = 0; i < rounds; i++) {
		struct json_object *round = keep(j, json_object_new_object());

		add_u64(j, round, "dirty", cut->round[i].dirty);
		add_u64(j, round, "copied", cut->round[i].copied);
		add_u64(j, round, "ns", cut->round[i].ns);
		append(j, o, round);
	}
	o = add_object(j, top, "pause_ns");
	add_u64(j, o, "total", p->total);
	add_u64(j, o, "settle", p->settle);
	add_u64(j, o, "fetch", p->fetch);
	add_u64(j, o, "p2m", p->p2m);
	add_u64(j, o, "copy", p->copy);
	add_u64(j, o, "vcpus", p->vcpus);
}

static void add_guarantee(struct js *j, struct json_object *top, const struct xl_cut *cut)
{
	const struct xl_bitmap *b = &cut->suspect;
	struct json_object *o, *ranges;
	xl_pfn_t pfn = xl_bitmap_next(b, 0);

	add_text(j, top, "guarantee", cut->suspects ? "suspects" : "exact", 16);
	if (!cut->suspects)
		return;
	o = add_object(j, top, "suspects");
	add_u64(j, o, "count", cut->suspects);
	ranges = add_array(j, o, "ranges");
	for (int i = 0; i < XL_PROVENANCE_RANGES && pfn < b->nbits; i++) {
		xl_pfn_t end = xl_bitmap_next_clear(b, pfn);
		struct json_object *range = keep(j, json_object_new_array());

		append(j, range, json_object_new_uint64(pfn));
		append(j, range, json_object_new_uint64(end - pfn));
		append(j, ranges, range);
		pfn = xl_bitmap_next(b, end);
	}
	add(j, o, "complete", json_object_new_boolean(b->nbits && pfn >= b->nbits));
}

static const char *const kind_name[_XL_KINDS] = {
	[XL_KIND_FREE] = "free",
	[XL_KIND_CACHE] = "cache",
	[XL_KIND_CACHE_PRIVATE] = "cache_private",
	[XL_KIND_USER] = "user",
	[XL_KIND_HWPOISON] = "poisoned",
	[XL_KIND_OFFLINE] = "offline",
};

static void add_filter(struct js *j, struct json_object *top, const struct xl_cut *cut)
{
	struct json_object *o;

	if (!cut->dump_level)
		return;
	add_u64(j, top, "dump_level", cut->dump_level);
	o = add_object(j, top, "excluded");
	for (unsigned i = XL_KIND_KEPT + 1; i < _XL_KINDS; i++)
		add_u64(j, o, kind_name[i], cut->excluded_count[i]);
	add_u64(j, top, "unjudged", cut->unjudged);
}

static void add_changes(struct js *j, struct json_object *top, const struct xl_cut *cut)
{
	struct json_object *o = add_object(j, top, "edits");
	const char *from;
	uint32_t vcpu;
	uint64_t cr3 = xl_notes_kernel_cr3(cut, &from, &vcpu);

	add_u64(j, o, "count", cut->edits.n);
	add_u64(j, o, "lost", cut->edits.lost);
	if (cut->p2m)
		add_u64(j, top, "tables", cut->tables);
	if (cut->raw)
		add(j, top, "raw", json_object_new_boolean(true));
	if (!from)
		return;
	o = add_object(j, top, "prstatus_cr3");
	add_u64(j, o, "vcpu", 0);
	add_u64(j, o, "cr3", cr3);
	add_text(j, o, "from", from, 32);
	if (!strcmp(from, "vcpu"))
		add_u64(j, o, "id", vcpu);
}

/* A kexec leaves the old kernel in memory. */
static void add_kernels(struct js *j, struct json_object *top, const struct xl_kernels *all)
{
	struct json_object *list = all->n > 1 ? add_array(j, top, "kernels") : NULL;

	for (size_t i = 0; i < all->n && list; i++) {
		const struct xl_kernel_found *k = &all->kernel[i];
		struct json_object *o = keep(j, json_object_new_object());

		append(j, list, o);
		if (j->failed)
			return;
		add_text(j, o, "release", k->release, sizeof(k->release));
		add(j, o, "runs", json_object_new_boolean(k->runs));
		add(j, o, "crashed", json_object_new_boolean(k->crashed));
	}
}

static void add_all(struct js *j, struct json_object *top, const struct xl_cut *cut,
		    uint64_t nr_pages)
{
	const char *strategy = xldump_strategy_name(cut->strategy);
	char tool[64];

	(void)snprintf(tool, sizeof(tool), "xldump %s", xldump_version());
	add_u64(j, top, "format", NOTE_VERSION);
	add_text(j, top, "tool", tool, sizeof(tool));
	add_xen_version(j, top, &cut->host);
	add_domain(j, top, cut);
	add_instant(j, top, &cut->instant);
	add_text(j, top, "strategy", strategy ? strategy : "?", 16);
	add_text(j, top, "reason", cut->reason, sizeof(cut->reason));
	add_times(j, top, cut);
	add(j, top, "was_stopped", json_object_new_boolean(cut->was_stopped));
	add_u64(j, top, "pages", nr_pages);
	add_filter(j, top, cut);
	add_guarantee(j, top, cut);
	add_changes(j, top, cut);
	if (cut->kernel.release[0])
		add_text(j, top, "kernel", cut->kernel.release, sizeof(cut->kernel.release));
	add_kernels(j, top, &cut->kernel.all);
}

int xl_notes_provenance(struct xl_blob *b, const struct xl_cut *cut, uint64_t nr_pages)
{
	struct json_object *top;
	struct js j = { 0 };
	const char *text = NULL;

	if (cut->note) {
		if (cut->note[0])
			(void)xl_blob_note(b, "XLDUMP", XLDUMP_NOTE_TYPE, cut->note,
					   strlen(cut->note) + 1);
		return 0;
	}
	top = json_object_new_object();
	j.failed = !top;
	if (top)
		add_all(&j, top, cut, nr_pages);
	if (!j.failed)
		text = json_object_to_json_string_ext(top, JSON_C_TO_STRING_PLAIN |
							   JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		(void)xl_blob_note(b, "XLDUMP", XLDUMP_NOTE_TYPE, text, strlen(text) + 1);
	json_object_put(top);
	return text ? 0 : -ENOMEM;
}
