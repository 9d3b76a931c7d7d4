/*
 * explain.c - what differs cell by cell and why, and what still differs (recheck)
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "repairs.h"

/* What the cells of one column have in common. */
typedef struct parity_column_story {
    uint64_t cells;
    bool same; /* all of one reason, with one option */
    parity_reason reason;
} parity_column_story;

/* Appends the value of column i to r->text; *at is where, or SIZE_MAX for SQL NULL. */
static parity_status put_value(parity_repairs *r, const parity_kind *kind, const parity_found *f, int i, size_t *at)
{
    size_t n;
    const unsigned char *frame = parity_found_frame(f, i, &n), *p = frame;
    parity_frame parts;

    *at = SIZE_MAX;
    if (!parity_frame_read(&p, frame + n, &parts) || parts.tag == PARITY_TAG_NULL)
        return PARITY_OK;
    *at = r->text.len;
    PARITY_TRY(parity_frame_text(&r->text, kind, &parts));
    return parity_buf_put(&r->text, "", 1);
}

static const char *text_at(const parity_repairs *r, size_t at)
{
    return at == SIZE_MAX ? NULL : (const char *)r->text.data + at;
}

/* A row that is on one side only: as an object of all its columns. */
static parity_status explain_row(parity_repairs *r, const parity_job *j, const parity_case *c)
{
    parity_spec all = j->c.spec;
    const parity_found *f = parity_case_row(c);
    bool exact;

    all.columns = r->all;
    r->text.len = 0;
    PARITY_TRY(parity_key_json(&r->text, &r->scratch, &all, f->frames, f->ends, &exact));
    PARITY_TRY(parity_buf_put(&r->text, "", 1));
    r->explain.local_value = c->local != NULL ? (const char *)r->text.data : NULL;
    r->explain.remote_value = c->local == NULL ? (const char *)r->text.data : NULL;
    r->explain.reason = parity_change_text(c->change);
    return PARITY_OK;
}

/* Column i of a changed row. */
static parity_status explain_cell(parity_repairs *r, const parity_job *j, const parity_case *c, int i)
{
    const parity_kind *kind = &j->c.spec.columns[i].kind;
    const parity_kind *remote_kind = &j->remote.spec.columns[j->c.of_spec[i]].kind;
    parity_column_story *story = &r->stories[i];
    size_t n, local, remote, why;
    const unsigned char *p;
    parity_frame here, there;
    parity_reason reason;
    char own[PARITY_KIND_TEXT_MAX], other[PARITY_KIND_TEXT_MAX];

    p = parity_found_frame(c->local, i, &n);
    if (!parity_frame_read(&p, p + n, &here))
        return PARITY_MALFORMED;
    p = parity_found_frame(c->remote, i, &n);
    if (!parity_frame_read(&p, p + n, &there))
        return PARITY_MALFORMED;
    memset(&reason, 0, sizeof reason);
    PARITY_TRY(parity_reason_of(&r->scratch, kind, remote_kind, &here, &there, &reason));
    r->text.len = 0;
    PARITY_TRY(put_value(r, kind, c->local, i, &local));
    PARITY_TRY(put_value(r, kind, c->remote, i, &remote));
    why = r->text.len;
    if (parity_comparison_weak(&j->c, i)) {
        parity_kind_print(remote_kind, other);
        parity_kind_print(&parity_job_column(j, i)->kind, own);
        PARITY_TRY(parity_buf_printf(&r->text, "%s there and %s here cannot be compared", other, own));
        story->same = false;
    } else {
        PARITY_TRY(parity_buf_puts(&r->text, reason.text));
    }
    PARITY_TRY(parity_buf_put(&r->text, "", 1));
    if (story->cells == 0) {
        story->reason = reason;
        story->same = !parity_comparison_weak(&j->c, i);
    } else if (strcmp(story->reason.text, reason.text) != 0) {
        story->same = false;
    } else if (strcmp(story->reason.option, reason.option) != 0) {
        story->reason.option[0] = '\0';
    }
    story->cells++;
    r->explain.column_name = j->c.spec.columns[i].name;
    r->explain.local_value = text_at(r, local);
    r->explain.remote_value = text_at(r, remote);
    r->explain.reason = text_at(r, why);
    return PARITY_OK;
}

/* Lays the options of o over k. */
static void add_options(parity_kind *k, const parity_kind *o)
{
    k->options |= o->options;
    if (o->options & PARITY_OPT_TEXT)
        k->text = o->text;
    if (o->options & (PARITY_OPT_EPOCH | PARITY_OPT_UNIT))
        k->unit = o->unit;
    if (o->options & PARITY_OPT_ZONE)
        k->zone = o->zone;
}

/*
 * The kind under which column i's differences would be none, or "": the reason
 * names a whole kind or an option.  *where it has to be set.
 */
static void accepting_kind(const parity_job *j, int i, const parity_reason *reason, char out[PARITY_KIND_TEXT_MAX],
                           const char **where)
{
    parity_kind kind = j->c.spec.columns[i].kind, option;
    char text[PARITY_KIND_TEXT_MAX];

    out[0] = '\0';
    *where = " on both sides";
    if (reason->option[0] == '\0')
        return;
    if (parity_kind_parse(reason->option, strlen(reason->option), &option, NULL) == PARITY_OK) {
        parity_kind_print(&option, out);
        return;
    }
    snprintf(text, sizeof text, "%s %s", parity_kind_name(kind.id), reason->option);
    if (parity_kind_parse(text, strlen(text), &option, NULL) != PARITY_OK && kind.has_scale) {
        /* round needs the numbers of a decimal */
        size_t n = parity_kind_print(&kind, text);

        snprintf(text + n, sizeof text - n, " %s", reason->option);
        if (parity_kind_parse(text, strlen(text), &option, NULL) != PARITY_OK)
            return;
    } else if (option.options == 0) {
        return;
    }
    if (option.options & PARITY_OPT_ZONE)
        *where = " here";
    if ((option.options & PARITY_OPT_ZONE) && parity_job_column(j, i)->strict) {
        /* this side's type knows its instants: it may be the other side's text that lacks a zone */
        const parity_kind *remote = &j->remote.spec.columns[j->c.of_spec[i]].kind;

        if (!j->loose)
            return;
        kind = *remote;
        option.zone = ((remote->options & PARITY_OPT_ZONE) ? remote->zone : 0) - reason->shift;
        *where = " there";
    }
    add_options(&kind, &option);
    parity_kind_print(&kind, out);
    if (parity_kind_parse(out, strlen(out), &kind, NULL) != PARITY_OK)
        out[0] = '\0';
}

/* One rule for a whole column. */
static parity_status explain_column(parity_repairs *r, const parity_job *j, int i)
{
    const parity_column_story *story = &r->stories[i];
    char kind[PARITY_KIND_TEXT_MAX];
    const char *where;

    accepting_kind(j, i, &story->reason, kind, &where);
    r->text.len = 0;
    PARITY_TRY(parity_buf_printf(&r->text, "all %" PRIu64 " cells: %s", story->cells, story->reason.text));
    if (kind[0] != '\0')
        PARITY_TRY(parity_buf_printf(&r->text, "; the kind \"%s\"%s would accept them", kind, where));
    else if (story->reason.id == PARITY_R_BAD && story->reason.option[0] != '\0')
        PARITY_TRY(parity_buf_printf(&r->text, "; they would be read with the option %s", story->reason.option));
    PARITY_TRY(parity_buf_put(&r->text, "", 1));
    r->explain.column_name = j->c.spec.columns[i].name;
    r->explain.reason = (const char *)r->text.data;
    return PARITY_OK;
}

/* Starts the next table, which gets empty stories. */
static parity_status begin_job(parity_repairs *r)
{
    const parity_job *j = &r->jobs[r->job];

    r->all = parity_arena_alloc(&r->arena, (size_t)j->c.spec.ncolumns * sizeof *r->all);
    if (r->all == NULL)
        return PARITY_NOMEM;
    for (int i = 0; i < j->c.spec.ncolumns; i++) {
        r->all[i] = j->c.spec.columns[i];
        r->all[i].key = false;
    }
    r->stories = parity_arena_alloc(&r->arena, ((size_t)j->c.spec.ncolumns + 1) * sizeof *r->stories);
    r->at = 0;
    r->column = 0;
    return r->stories == NULL ? PARITY_NOMEM : PARITY_OK;
}

parity_status parity_explain_next(parity_repairs *r, const parity_explain_row **row, parity_error *err)
{
    (void)err;
    *row = NULL;
    for (; r->job < r->njobs; r->job++, r->stories = NULL) {
        const parity_job *j = &r->jobs[r->job];

        if (r->stories == NULL)
            PARITY_TRY(begin_job(r));
        memset(&r->explain, 0, sizeof r->explain);
        while (r->at < j->ncases) {
            const parity_case *c = &j->cases[r->at];
            int i = r->column++;

            if (i >= j->c.spec.ncolumns || (c->change != PARITY_C_CHANGED && i > 0)) {
                r->at++;
                r->column = 0;
                continue;
            }
            if (c->change == PARITY_C_CHANGED && parity_found_equal(c->local, c->remote, i))
                continue;
            PARITY_TRY(parity_case_key(r, j, c, &r->explain.key));
            PARITY_TRY(c->change == PARITY_C_CHANGED ? explain_cell(r, j, c, i) : explain_row(r, j, c));
            *row = &r->explain;
            return PARITY_OK;
        }
        while (r->column < j->c.spec.ncolumns) {
            int i = r->column++;

            if (r->stories[i].cells < 2 || !r->stories[i].same ||
                (r->stories[i].reason.id == PARITY_R_VALUE && r->stories[i].reason.option[0] == '\0'))
                continue; /* no rule */
            PARITY_TRY(explain_column(r, j, i));
            *row = &r->explain;
            return PARITY_OK;
        }
    }
    return PARITY_OK;
}

parity_status parity_recheck_next(parity_repairs *r, const parity_recheck_row **row, parity_error *err)
{
    (void)err;
    *row = NULL;
    for (; r->job < r->njobs; r->job++, r->at = 0) {
        const parity_job *j = &r->jobs[r->job];

        while (r->at < j->ncases) {
            const parity_case *c = &j->cases[r->at], *last = r->at > 0 ? c - 1 : NULL;

            r->at++;
            /* of a table without a key each distinct row once, as diff has it */
            if (!j->keyed && last != NULL && last->change == c->change &&
                parity_case_row(last)->key.key == parity_case_row(c)->key.key)
                continue;
            memset(&r->recheck, 0, sizeof r->recheck);
            PARITY_TRY(parity_case_key(r, j, c, &r->recheck.key));
            r->recheck.change = c->change;
            parity_key_hash_text(parity_case_row(c)->key.key, r->recheck.key_hash);
            *row = &r->recheck;
            return PARITY_OK;
        }
    }
    return PARITY_OK;
}
