/*
 * shadow.h - shadows: one table follows another, under a mapping
 *
 * The design.  A shadow is a pair of tables, and two views that are the mapping
 * (pg_ext/sql/80-shadow.sql): PostgreSQL itself follows names in them, refuses
 * what would break them, and dumps them.  Triggers on the table that is written
 * (from) write the same rows, mapped, into the one that follows (to).
 *
 *  - Statement triggers with transition tables: one statement there for one
 *    here (shadow_capture.c).  Partitioned tables, and what a subscription
 *    applies, have row triggers.
 *  - Where the table that follows allows it (shadow_plain.c), there is no
 *    statement: an INSERT's rows are put there some at a time (shadow_insert.c),
 *    an UPDATE's and a DELETE's are found by their key (shadow_change.c).  When
 *    a key is there already, or is not, the statement there is an upsert.
 *  - What a trigger is told may be older than what the table holds: a trigger
 *    or a function of the same statement may have written the row again, and
 *    been shadowed already.  Whenever anything of this shadow was written since
 *    the statement began, the rows of the keys concerned are taken from the
 *    table instead ("by state"), whatever their order was.
 *  - The write runs under a snapshot of its own, as referential integrity does:
 *    a transaction's own one does not see what a backfill has put in meanwhile,
 *    and an UPDATE or DELETE would pass it by without an error.
 *  - It runs as the owner of both tables, with his search_path, so that a writer
 *    of the one needs no right on the other, and gains none.
 *  - It runs in a subtransaction, one a statement.  When it fails, the keys go
 *    to parity.drift and the statement that was shadowed goes on (shadow_fault.c).
 *  - Writes that a shadow makes are not shadowed back: a stack, local to the
 *    backend, tells them from all others (shadow_chain.c).
 *
 * What a subtransaction or a session forgets is put back where it was set, by
 * PG_FINALLY: nothing of it outlives its statement.
 */
#ifndef PARITY_PG_SHADOW_H
#define PARITY_PG_SHADOW_H

#include "postgres.h"

#include "commands/trigger.h"
#include "nodes/nodes.h"
#include "nodes/pg_list.h"
#include "utils/portal.h"
#include "utils/snapshot.h"

#include "relation.h"

/* ------------------------------------------------------ a shadow: shadow_state.c */

/* A row of parity.shadow. */
typedef struct ParityShadow {
    char *name;
    int64 id;
    Oid owner, source, target, source_view, target_view;
    int keys;              /* columns of the key: the first of either mapping */
    int forward, backward; /* columns of either mapping */
    bool abort;            /* a failure fails the statement */
    int max_failures;
    int lock_timeout; /* ms that a write waits for a lock; 0: as the session does */
    char *search_path;
    char *phase;
    bool is_backward; /* cut over: the source follows the target */
    int64 run;
    bool guarded; /* others may not write into the table that follows */
} ParityShadow;

/* By id or, unless it is NULL, by name; in CurrentMemoryContext.  false when snapshot sees none. */
extern bool parity_shadow_find(int64 id, const char *name, Snapshot snapshot, ParityShadow *out);
/* The same by name for a function that the user calls: raises unless he may act as its owner. */
extern void parity_shadow_require(const char *name, ParityShadow *out);
/* Whether it has stopped itself in this run. */
extern bool parity_shadow_has_stopped(const ParityShadow *s, Snapshot snapshot);
/* Whether its triggers are to do anything. */
extern bool parity_shadow_is_on(const ParityShadow *s, Snapshot snapshot);

/* To be called after a write: a mark when triggers or rules of to, which is locked, may have changed it and were not verified. */
extern void parity_shadow_doubt(const ParityShadow *s, Oid to);

/* -------------------------------------------------------- the mapping: shadow_map.c */

/* One column that is filled. */
typedef struct ParityMapped {
    Node *node;              /* the expression, of columns of from (varno 1), not coerced */
    const char *mark;        /* what stands for it in statements, over the alias s: see parity_shadow_parse */
    const char *view_column; /* its name in from's view, quoted */
    const char *to_view_column;
    const char *column; /* of to, quoted */
    AttrNumber from_attribute; /* when the expression is a plain column, otherwise 0 */
    AttrNumber to_attribute;
} ParityMapped;

/* A mapping in one direction; the key comes first. */
typedef struct ParityMapping {
    Oid from, to, from_view, to_view;
    int n, keys;
    ParityMapped *columns;
    Node *condition;            /* of rows of from that are shadowed, or NULL */
    const char *condition_mark; /* the same, as values has expressions */
    const char *from_name, *to_name; /* as SQL names them */
    const char *list;           /* the columns of to, with commas */
    const char *values;         /* the expressions over the alias s, with commas: see parity_shadow_parse */
    const char *view_values;    /* the same as columns of from_view, over the alias v */
    const char *conflict;       /* ON CONFLICT (...) DO UPDATE SET ... */
    const char *conflict_target;
    bool unchecked; /* ... or DO NOTHING: then fewer rows than were given are no failure */
    bool stable;    /* an expression's result may depend on settings */
    bool foreign;   /* an expression calls a function that is not PostgreSQL's own */
} ParityMapping;

/* In CurrentMemoryContext; raises when the views are not, or no longer, what they should be. */
extern void parity_shadow_mapping(const ParityShadow *s, bool backward, ParityMapping *out);
/*
 * To be set up before a statement is parsed that has values or condition_mark; mapping outlives the plan.  Expressions
 * go into it as trees: printed and read again, an operator could be another one, that of somebody's search_path.
 */
struct ParseState;
extern void parity_shadow_parse(struct ParseState *pstate, void *mapping);
/* "a.k = b.k AND ..." over the key; from_a: a has from's columns, otherwise to's; the same for b. */
extern char *parity_shadow_key_match(const ParityMapping *m, const char *a, bool from_a, const char *b, bool from_b);
/* "v.c = b.k AND ...": v has from_view's columns, b from's. */
extern char *parity_shadow_view_match(const ParityMapping *m, const char *v, const char *b);
/* The key's columns of from, after an alias, with commas. */
extern char *parity_shadow_from_key(const ParityMapping *m, const char *alias);
/*
 * The key as a JSON array, of from's columns after an alias: an SQL expression.  Without an alias, the same as a format
 * of other columns that hold the key.
 */
extern char *parity_shadow_key_json(const ParityMapping *m, const char *alias);

/*
 * OPERATOR(schema.name) of a type's default order; strategy is TYPECACHE_EQ_OPR and so on.  builtin becomes false when
 * it is not in pg_catalog.
 */
extern char *parity_shadow_operator(Oid type, int strategy, bool *builtin);

/* Whether an expression (or a list of such, or NULL) calls functions that may look names up. */
extern bool parity_shadow_calls_foreign(Node *node);

/* ---------------- rows that are written without a statement: shadow_plain.c and others */

/* What there is to know, with the mapping's expressions ready to be run. */
typedef struct ParityPlain ParityPlain;

/* In CurrentMemoryContext.  id is the shadow's. */
extern ParityPlain *parity_shadow_plan_plain(const ParityMapping *m, int64 id);
extern ParityPlain *parity_shadow_copy_plain(const ParityPlain *p);
/* Whether this can be done at all: CMD_INSERT, CMD_UPDATE, CMD_DELETE. */
extern bool parity_shadow_can(const ParityPlain *p, CmdType what);

/* These write into to, which is open and locked, and return how many rows they wrote. */
/*
 * shadow_insert.c: puts the rows of data's new table there.  A key that is there already is an error: to be called in
 * a subtransaction.
 */
extern uint64 parity_shadow_insert(const ParityPlain *p, Relation to, TriggerData *data);
/* The same with the rows of an open query whose columns are what p's expressions are of. */
extern uint64 parity_shadow_fill(const ParityPlain *p, Relation to, Portal rows);
/* shadow_change.c: changes the rows that have the keys of data's new table; those that are not there are left out. */
extern uint64 parity_shadow_update(const ParityPlain *p, Relation to, TriggerData *data);
/* Deletes those of the old table. */
extern void parity_shadow_delete(const ParityPlain *p, Relation to, TriggerData *data);

/* ------------------------------------------------ who writes: shadow_chain.c */

/* A write of a shadow's own begins; give what it returns to parity_shadow_leave, in PG_FINALLY. */
extern int parity_shadow_enter(int64 id, Oid from, Oid to);
extern void parity_shadow_leave(int level);
/* In a trigger: the table that the shadow id itself is writing into, or InvalidOid. */
extern Oid parity_shadow_own_target(int64 id);
/* In a trigger of rel: whether its statement is a shadow's own write, and what it writes came from there, by whatever way. */
extern bool parity_shadow_came_from(Oid rel, Oid there);

/* --------------------------------------- deferrable constraints: shadow_deferred.c */

/* Those that a write into a table may be refused by, as SET CONSTRAINTS names them. */
typedef struct ParityDeferrable {
    List *deferred;  /* INITIALLY DEFERRED */
    List *immediate; /* the others: the user may have deferred them */
} ParityDeferrable;

/* In CurrentMemoryContext. */
extern void parity_shadow_deferrable(Relation to, ParityDeferrable *out);
/* Checks now what was written into to; raises as the constraint does. */
extern void parity_shadow_check_deferred(Oid to, const ParityDeferrable *constraints);

/* ------------------------------------------- referential actions: shadow_cascade.c */

/* Whether what foreign keys do to the table that follows, they do to the one that is written as well. */
extern bool parity_shadow_cascades_agree(const ParityShadow *s);

/* ---------------------------------------------------- failures: shadow_fault.c */

/* Whether an error may be put aside: not a cancel, nor what ends the session, nor what a repetition would mend. */
extern bool parity_shadow_may_quarantine(const ErrorData *error);
/*
 * Puts keys (jsonb, as parity_shadow_key_json makes them), n of them, into parity.drift; from a statement that may
 * call it several times.
 */
extern void parity_shadow_put_drift(const ParityShadow *s, const Datum *keys, int n, const char *operation,
                                    const ErrorData *error);
/* Notes that a write has failed; stops the shadow when that has happened too often.  keys: how many were put aside. */
extern void parity_shadow_failed(const ParityShadow *s, Oid from, const char *operation, int64 keys,
                                 const ErrorData *error);
/* Stops the shadow for an error after which its keys cannot even be named. */
extern void parity_shadow_stop(const ParityShadow *s, Oid from, const ErrorData *error);
/* A mark of a kind, one a transaction. */
extern void parity_shadow_mark(const ParityShadow *s, const char *kind, const char *reason);
extern void parity_shadow_event(const ParityShadow *s, const char *what, const char *detail);

#endif
