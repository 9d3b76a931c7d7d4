/*
 * bundle.h - what the functions that make and take bundles share
 */
#ifndef PARITY_PG_BUNDLE_H
#define PARITY_PG_BUNDLE_H

#include "parity_pg.h"

#include "fmgr.h"

/* The members of a bundle that are for people, but for the schema: the rest is zeroed. */
extern void parity_pg_head(parity_bundle *head);

/* A text argument in UTF-8; raises when it is NULL. */
extern char *parity_pg_text_argument(FunctionCallInfo fcinfo, int arg, const char *name, size_t *n);
/* Locks a relation; its schema and its name in UTF-8. */
extern void parity_pg_name_relation(Oid relid, char **schema, char **table);
/* UTF-8 as a text, or *isnull for NULL. */
extern Datum parity_pg_text_datum(const char *utf8, bool *isnull);
/* JSON in UTF-8 as a jsonb; *isnull for NULL, and for what a jsonb cannot hold. */
extern Datum parity_pg_jsonb_datum(const char *utf8, bool *isnull);

#endif
