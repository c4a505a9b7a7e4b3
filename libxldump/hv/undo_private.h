/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal's file, for those who write it and those who replay it. */
#ifndef XL_HV_UNDO_PRIVATE_H
#define XL_HV_UNDO_PRIVATE_H

#include <limits.h>
#include <stdatomic.h>

#include "hv/undo.h"

/* The version is in it: what another version wrote is not acted upon. */
#define XL_UNDO_MAGIC "xlundo1\n"

/* While a journal is made, under the folder's lock; renamed when it is complete. */
#define XL_UNDO_NEW ".new"

/* A journal that makes no sense is set aside under this ending. */
#define XL_UNDO_BROKEN ".broken"

/* Read and written on one host by one version only, so it is laid out as the compiler likes. */
struct xl_undo_record {
	char magic[8];
	uint32_t check; /* of what follows, up to `owed` */
	uint32_t domid;
	uint32_t pid;
	uint32_t serial; /* makes the name unique */
	uint8_t uuid[16];
	char boot[40]; /* the kernel's boot id: domids begin anew with the host */

	_Atomic uint32_t owed; /* flags below, their complement above */

	uint64_t cap; /* with XL_UNDO_CAP: the cap below, its complement above */

	/* Valid with XL_UNDO_PARTIAL. */
	uint64_t partial_dev, partial_ino; /* of the folder */
	char partial_dir[PATH_MAX];
	char partial[NAME_MAX + 1];
};

#define XL_UNDO_UUID_MAX 37
void xl_undo_uuid(const uint8_t uuid[16], char ret[XL_UNDO_UUID_MAX]);

/* The file's name, from what it says. */
#define XL_UNDO_NAME_MAX 80
void xl_undo_name(const struct xl_undo_record *rec, char ret[XL_UNDO_NAME_MAX]);

uint32_t xl_undo_checksum(const struct xl_undo_record *rec);

static inline uint32_t xl_undo_pack(uint32_t flags)
{
	return (flags & 0xffff) | ~flags << 16;
}

static inline uint64_t xl_undo_pack_cap(uint32_t cap)
{
	return cap | (uint64_t)~cap << 32;
}

/* Whether a record that was read from a file called `name` makes sense.  NULL if so, else what is
 * wrong with it. */
const char *xl_undo_invalid(const struct xl_undo_record *rec, const char *name);

/* "" if the kernel does not tell. */
void xl_undo_boot_id(char ret[40]);

/* The folder's lock; who dies lets it go.  -ETIMEDOUT when somebody holds it all too long. */
_must_check_ int xl_undo_lock(int dirfd);
void xl_undo_unlock(int dirfd);

/* Whether this name in the folder is that of a journal. */
bool xl_undo_is_journal(const char *name);

/* Whether a living dump other than `self` (a name) owns the dirty log of the domain.  The caller
 * holds the folder's lock. */
bool xl_undo_log_owned(int dirfd, const char *self, uint32_t domid, const uint8_t uuid[16]);

#endif
