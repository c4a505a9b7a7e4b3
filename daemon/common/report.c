/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened, for people and for machines. */
#include "common/report.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <uuid.h>

#include "common/text.h"

static const char *instant_text(const struct timespec *t, int digits, char *buf, size_t size)
{
	struct tm tm;
	char day[32];
	long fraction = t->tv_nsec;

	for (int i = digits; i < 9; i++)
		fraction /= 10;
	(void)gmtime_r(&t->tv_sec, &tm);
	(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(buf, size, "%s.%0*ldZ", day, digits, fraction);
	return buf;
}

void report_text(FILE *to, const struct xldump_result *r)
{
	char memory[32], disk[32], took[32], pause[32], instant[64];

	(void)fprintf(to, "%s%s(domain %u, %s, %s): %s in %s, %u round%s, ", r->domain.name,
		     r->domain.name[0] ? " " : "", r->domain.domid,
		     xldump_guest_type_name(r->domain.type),
		     text_size(r->domain.memory, memory, sizeof(memory)),
		     text_size(r->disk_bytes, disk, sizeof(disk)),
		     text_time(r->duration_ns, took, sizeof(took)), r->rounds,
		     r->rounds == 1 ? "" : "s");
	if (r->was_stopped)
		(void)fprintf(to, "guest was not running, ");
	else
		(void)fprintf(to, "guest stopped %s, ", text_time(r->pause_ns, pause, sizeof(pause)));
	(void)fprintf(to, "consistent as of %s",
		     instant_text(&r->instant, 3, instant, sizeof(instant)));
	if (r->guarantee == XLDUMP_SUSPECTS)
		(void)fprintf(to, " except %" PRIu64 " pages listed in the file", r->suspect_pages);
	if (r->dump_level)
		(void)fprintf(to, ", %" PRIu64 " of %" PRIu64 " pages left out",
			      r->pages_excluded, r->pages + r->pages_excluded);
	if (r->reason[0])
		(void)fprintf(to, " (%s)", r->reason);
	(void)fprintf(to, "\n");
}

static void add_string(struct json_object *o, const char *key, const char *value)
{
	(void)json_object_object_add(o, key, json_object_new_string(value));
}

static void add_number(struct json_object *o, const char *key, uint64_t value)
{
	(void)json_object_object_add(o, key, json_object_new_uint64(value));
}

static void print_json(FILE *to, struct json_object *o)
{
	(void)fprintf(to, "%s\n",
		      json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								JSON_C_TO_STRING_NOSLASHESCAPE));
	(void)json_object_put(o);
}

static struct json_object *domain_json(const struct xldump_domain *domain)
{
	struct json_object *d = json_object_new_object();
	char uuid[37];

	uuid_unparse_lower(domain->uuid, uuid);
	add_number(d, "id", domain->domid);
	add_string(d, "name", domain->name);
	add_string(d, "uuid", uuid);
	add_string(d, "type", xldump_guest_type_name(domain->type));
	add_number(d, "memory_bytes", domain->memory);
	add_number(d, "vcpus", domain->vcpus);
	return d;
}

void report_json(FILE *to, const struct xldump_result *r, const char *path,
		 enum xldump_format format)
{
	struct json_object *o = json_object_new_object();
	char instant[64];

	(void)json_object_object_add(o, "domain", domain_json(&r->domain));
	add_string(o, "file", path);
	add_string(o, "format", xldump_format_name(format));
	add_string(o, "strategy", xldump_strategy_name(r->strategy));
	if (r->reason[0])
		add_string(o, "reason", r->reason);
	add_string(o, "guarantee", r->guarantee == XLDUMP_EXACT ? "exact" : "suspects");
	add_number(o, "suspect_pages", r->suspect_pages);
	add_number(o, "rounds", r->rounds);
	add_number(o, "pages", r->pages);
	add_number(o, "dump_level", r->dump_level);
	add_number(o, "pages_excluded", r->pages_excluded);
	add_number(o, "pages_copied", r->pages_copied);
	add_number(o, "file_bytes", r->file_bytes);
	add_number(o, "disk_bytes", r->disk_bytes);
	add_number(o, "duration_ns", r->duration_ns);
	add_number(o, "pause_ns", r->pause_ns);
	(void)json_object_object_add(o, "was_stopped", json_object_new_boolean(r->was_stopped));
	add_string(o, "instant", instant_text(&r->instant, 9, instant, sizeof(instant)));
	add_string(o, "kernel", r->kernel);
	print_json(to, o);
}

void report_error_json(FILE *to, const char *text, enum xldump_cause cause)
{
	struct json_object *o = json_object_new_object();

	add_string(o, "error", text);
	add_string(o, "cause", xldump_cause_name(cause));
	add_number(o, "status", (uint64_t)cause);
	print_json(to, o);
}

void report_estimate_text(FILE *to, const struct xldump_estimate *e,
			  const struct xldump_options *o)
{
	char memory[32], disk[32], file[32], took[32], pause[32], limit[32];

	(void)fprintf(to, "%s%s(domain %u, %s, %s), as %s by %s:\n", e->domain.name,
		      e->domain.name[0] ? " " : "", e->domain.domid,
		      xldump_guest_type_name(e->domain.type),
		      text_size(e->domain.memory, memory, sizeof(memory)),
		      xldump_format_name(o->format), xldump_strategy_name(e->strategy));
	if (e->reason[0])
		(void)fprintf(to, "because  %s\n", e->reason);
	(void)fprintf(to, "size     about %s on disk%s, a file of %s\n",
		      text_size(e->disk_bytes, disk, sizeof(disk)),
		      o->dump_level ? " at most: pages that are left out are not taken off" : "",
		      text_size(e->file_bytes, file, sizeof(file)));
	(void)fprintf(to, "time     about %s to copy, in %u round%s; writing to the disk may take longer\n",
		      text_time(e->copy_ns, took, sizeof(took)), e->rounds, e->rounds == 1 ? "" : "s");
	if (e->was_stopped)
		(void)fprintf(to, "pause    none: the guest does not run\n");
	else
		(void)fprintf(to, "pause    about %s%s%s\n", text_time(e->pause_ns, pause, sizeof(pause)),
			      e->over_limit ? ", more than the limit of " : "",
			      e->over_limit ? text_time(o->max_pause_ns, limit, sizeof(limit)) : "");
	if (e->watched_ns)
		(void)fprintf(to, "from     %" PRIu64 " pages that were read, and %" PRIu64
			      " that the guest wrote in %s\n", e->sampled_pages, e->dirtied_pages,
			      text_time(e->watched_ns, took, sizeof(took)));
	else
		(void)fprintf(to, "from     %" PRIu64 " pages that were read\n", e->sampled_pages);
}

void report_estimate_json(FILE *to, const struct xldump_estimate *e,
			  const struct xldump_options *o)
{
	struct json_object *j = json_object_new_object();

	(void)json_object_object_add(j, "domain", domain_json(&e->domain));
	add_string(j, "format", xldump_format_name(o->format));
	add_string(j, "strategy", xldump_strategy_name(e->strategy));
	if (e->reason[0])
		add_string(j, "reason", e->reason);
	add_number(j, "pages", e->pages);
	add_number(j, "dump_level", o->dump_level);
	add_number(j, "file_bytes", e->file_bytes);
	add_number(j, "disk_bytes", e->disk_bytes);
	add_number(j, "copy_ns", e->copy_ns);
	add_number(j, "rounds", e->rounds);
	add_number(j, "pause_ns", e->pause_ns);
	(void)json_object_object_add(j, "over_limit", json_object_new_boolean(e->over_limit));
	(void)json_object_object_add(j, "was_stopped", json_object_new_boolean(e->was_stopped));
	add_number(j, "sampled_pages", e->sampled_pages);
	add_number(j, "watched_ns", e->watched_ns);
	add_number(j, "dirtied_pages", e->dirtied_pages);
	print_json(to, j);
}
