/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Undoing what the dumps of dead processes left, from their journals. */
#ifndef XL_HV_RECOVER_H
#define XL_HV_RECOVER_H

#include "base/ctx.h"
#include "hv/hv.h"

/* Replay every journal in the folder whose owner is dead, and remove it.
 *
 * Nothing is done to a domain unless domid, uuid and this boot of the host are those of the
 * journal.  A pause that is recorded as done gets one unpause, if the domain is paused at all.
 * Where the owner died between asking for a pause (or an unpause) and recording that it was done,
 * the domain tells: not paused, nothing is owed; paused now and not before, one unpause; paused
 * before by somebody else, it cannot be told, and nothing is done but to say so.  (A pause by
 * somebody else that begins between our look and our own is taken for ours in that case alone.)
 * Log-dirty mode and the device model's are left alone while a save or a migration is under way,
 * which has taken them over and ends them, or when a living dump owns them.
 *
 * Each journal that owed something gives a line to the log callback.  Safe against others who do
 * the same, and against dying in the middle of it: the next one goes on.  Never called while the
 * guest of a dump of ours is paused.
 *
 * @param dir         XL_UNDO_DIR, or another one in tests; it need not exist
 * @param ret_undone  journals that owed something and no longer do; may be NULL
 * @return 0; -EIO when something could not be undone: it stays recorded, and the log says why;
 *         another negative errno when the journals cannot be looked at */
_must_check_ int xl_recover(struct xl_ctx *x, struct xl_hv *hv, const char *dir,
			    unsigned *ret_undone);

#endif
