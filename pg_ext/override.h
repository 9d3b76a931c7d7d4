/*
 * override.h - what owners of tables have stored with parity.set_spec
 */
#ifndef PARITY_PG_OVERRIDE_H
#define PARITY_PG_OVERRIDE_H

#include "postgres.h"

#include "utils/jsonb.h"

/* The overrides stored for a relation, as the active snapshot sees them, or NULL. */
extern Jsonb *parity_pg_read_override(Oid relid);
/*
 * Stores overrides, or removes them when NULL.  The caller has checked that
 * the user owns relid.  Not undone by anything but the end of the transaction.
 */
extern void parity_pg_write_override(Oid relid, Jsonb *overrides);
/* The extension's schema. */
extern Oid parity_pg_schema(void);

#endif
