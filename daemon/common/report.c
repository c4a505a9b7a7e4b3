/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened, for people and for machines. */
#include "common/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <uuid.h>

#include "base/json.h"
#include "base/text.h"
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

#define DOMAIN_TEXT_MAX (XL_ESCAPED_MAX(XLDUMP_NAME_MAX) + 64)

/* "web01 (domain 3, PVH, 4.0 GiB)" */
static const char *domain_text(const struct xldump_domain *d, char *buf, size_t size)
{
	char name[XL_ESCAPED_MAX(XLDUMP_NAME_MAX)], memory[32];

	(void)snprintf(buf, size, "%s%s(domain %u, %s, %s)",
		       xl_printable(d->name, strlen(d->name), name, sizeof(name)), d->name[0] ? " " : "",
		       d->domid, xldump_guest_type_name(d->type), text_size(d->memory, memory, sizeof(memory)));
	return buf;
}

void report_text(FILE *to, const struct xldump_result *r)
{
	char domain[DOMAIN_TEXT_MAX], disk[32], took[32], pause[32], instant[64];

	(void)fprintf(to, "%s: %s in %s, %u round%s, ", domain_text(&r->domain, domain, sizeof(domain)),
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

struct json_object *report_domain_json(const struct xldump_domain *domain)
{
	struct json_object *d = json_object_new_object();
	char uuid[37], name[XL_ESCAPED_MAX(XLDUMP_NAME_MAX)];

	uuid_unparse_lower(domain->uuid, uuid);
	xl_json_put_u64(d, "id", domain->domid);
	xl_json_put_text(d, "name", xl_escape(domain->name, strlen(domain->name), name, sizeof(name)));
	xl_json_put_text(d, "uuid", uuid);
	xl_json_put_text(d, "type", xldump_guest_type_name(domain->type));
	xl_json_put_u64(d, "memory_bytes", domain->memory);
	xl_json_put_u64(d, "vcpus", domain->vcpus);
	return d;
}

void report_json(FILE *to, const struct xldump_result *r, const char *path,
		 enum xldump_format format)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	char instant[64];

	xl_json_put(o, "domain", report_domain_json(&r->domain));
	xl_json_put_text(o, "file", path);
	xl_json_put_text(o, "format", xldump_format_name(format));
	xl_json_put_text(o, "strategy", xldump_strategy_name(r->strategy));
	if (r->reason[0])
		xl_json_put_text(o, "reason", r->reason);
	xl_json_put_text(o, "guarantee", r->guarantee == XLDUMP_EXACT ? "exact" : "suspects");
	xl_json_put_u64(o, "suspect_pages", r->suspect_pages);
	xl_json_put_u64(o, "rounds", r->rounds);
	xl_json_put_u64(o, "pages", r->pages);
	xl_json_put_u64(o, "dump_level", r->dump_level);
	xl_json_put_u64(o, "pages_excluded", r->pages_excluded);
	xl_json_put_u64(o, "pages_copied", r->pages_copied);
	xl_json_put_u64(o, "file_bytes", r->file_bytes);
	xl_json_put_u64(o, "disk_bytes", r->disk_bytes);
	xl_json_put_u64(o, "duration_ns", r->duration_ns);
	xl_json_put_u64(o, "pause_ns", r->pause_ns);
	xl_json_put_bool(o, "was_stopped", r->was_stopped);
	xl_json_put_text(o, "instant", instant_text(&r->instant, 9, instant, sizeof(instant)));
	xl_json_put_text(o, "kernel", r->kernel);
	(void)fprintf(to, "%s\n", xl_json_line(o));
}

bool report_flush(FILE *to, const char *program)
{
	if (fflush(to) == 0 && !ferror(to))
		return true;
	(void)fprintf(stderr, "%s: the result cannot be written to standard output: %s\n", program,
		      strerror(errno));
	return false;
}

void report_error_json(FILE *to, const char *text, enum xldump_cause cause)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	char error[2048];

	xl_json_put_text(o, "error", xl_escape(text, strlen(text), error, sizeof(error)));
	xl_json_put_text(o, "cause", xldump_cause_name(cause));
	xl_json_put_u64(o, "status", (uint64_t)cause);
	(void)fprintf(to, "%s\n", xl_json_line(o));
}

void report_estimate_text(FILE *to, const struct xldump_estimate *e,
			  const struct xldump_options *o)
{
	char domain[DOMAIN_TEXT_MAX], disk[32], file[32], took[32], pause[32], limit[32];

	(void)fprintf(to, "%s, as %s by %s:\n", domain_text(&e->domain, domain, sizeof(domain)),
		      xldump_format_name(o->format), xldump_strategy_name(e->strategy));
	if (e->reason[0])
		(void)fprintf(to, "because  %s\n", e->reason);
	(void)fprintf(to, "size     about %s on disk%s, a file of %s\n",
		      text_size(e->disk_bytes, disk, sizeof(disk)),
		      o->dump_level ? " at most (pages that are left out are not subtracted)" : "",
		      text_size(e->file_bytes, file, sizeof(file)));
	(void)fprintf(to, "time     about %s to copy, in %u round%s; writing to the disk may take longer\n",
		      text_time(e->copy_ns, took, sizeof(took)), e->rounds, e->rounds == 1 ? "" : "s");
	if (e->was_stopped)
		(void)fprintf(to, "pause    none: the guest is already stopped\n");
	else
		(void)fprintf(to, "pause    about %s%s%s\n", text_time(e->pause_ns, pause, sizeof(pause)),
			      e->over_limit ? ", more than the limit of " : "",
			      e->over_limit ? text_time(o->max_pause_ns, limit, sizeof(limit)) : "");
	if (e->watched_ns)
		(void)fprintf(to,
			      "based on %" PRIu64 " pages that were read, and %" PRIu64 " that the "
			      "guest wrote in %s\n", e->sampled_pages, e->dirtied_pages,
			      text_time(e->watched_ns, took, sizeof(took)));
	else
		(void)fprintf(to, "based on %" PRIu64 " pages that were read\n", e->sampled_pages);
}

void report_estimate_json(FILE *to, const struct xldump_estimate *e,
			  const struct xldump_options *o)
{
	_cleanup_json_ struct json_object *j = json_object_new_object();

	xl_json_put(j, "domain", report_domain_json(&e->domain));
	xl_json_put_text(j, "format", xldump_format_name(o->format));
	xl_json_put_text(j, "strategy", xldump_strategy_name(e->strategy));
	if (e->reason[0])
		xl_json_put_text(j, "reason", e->reason);
	xl_json_put_u64(j, "pages", e->pages);
	xl_json_put_u64(j, "dump_level", o->dump_level);
	xl_json_put_u64(j, "file_bytes", e->file_bytes);
	xl_json_put_u64(j, "disk_bytes", e->disk_bytes);
	xl_json_put_u64(j, "copy_ns", e->copy_ns);
	xl_json_put_u64(j, "rounds", e->rounds);
	xl_json_put_u64(j, "pause_ns", e->pause_ns);
	xl_json_put_bool(j, "over_limit", e->over_limit);
	xl_json_put_bool(j, "was_stopped", e->was_stopped);
	xl_json_put_u64(j, "sampled_pages", e->sampled_pages);
	xl_json_put_u64(j, "watched_ns", e->watched_ns);
	xl_json_put_u64(j, "dirtied_pages", e->dirtied_pages);
	(void)fprintf(to, "%s\n", xl_json_line(j));
}
