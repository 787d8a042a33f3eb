-- What lists search and order by, stored with the row. `search` of rows that exist is filled by Python after this step
-- (database.searchable); trajectories and placements hold their participant's.

ALTER TABLE "lookup" ADD COLUMN "search" VARCHAR(255) COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE "mail" ADD COLUMN "search" VARCHAR(255) COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE "placement" ADD COLUMN "search" VARCHAR(255) COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE "trajectory" ADD COLUMN "search" VARCHAR(255) COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE "placement" ADD COLUMN "type" VARCHAR(20) COLLATE "C" NOT NULL DEFAULT 'animator' CHECK (type IN ('animator', 'head_animator', 'instructor'));
ALTER TABLE "placement" ADD COLUMN "association_id" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "placement" ADD COLUMN "finished" BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE "site" ADD COLUMN "place" VARCHAR(100) COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE "site" ADD COLUMN "placed" INTEGER NOT NULL DEFAULT 0;

-- Ordered byte by byte, as SQLite and Python do.
ALTER TABLE "participant" ALTER COLUMN "kavo_id" TYPE VARCHAR(9) COLLATE "C", ALTER COLUMN "email" TYPE VARCHAR(254) COLLATE "C";
ALTER TABLE "association" ALTER COLUMN "email" TYPE VARCHAR(254) COLLATE "C";
ALTER TABLE "user" ALTER COLUMN "email" TYPE VARCHAR(254) COLLATE "C";
ALTER TABLE "mail" ALTER COLUMN "to_address" TYPE VARCHAR(254) COLLATE "C", ALTER COLUMN "subject" TYPE VARCHAR(200) COLLATE "C";
ALTER TABLE "history" ALTER COLUMN "verb" TYPE VARCHAR(60) COLLATE "C";
ALTER TABLE "lookup" ALTER COLUMN "kavo_id" TYPE VARCHAR(9) COLLATE "C", ALTER COLUMN "purpose" TYPE VARCHAR(200) COLLATE "C";

UPDATE "placement" SET "type" = (SELECT "type" FROM "trajectory" WHERE "trajectory"."id" = "trajectory_id"),
    "association_id" = (SELECT "association_id" FROM "trajectory" WHERE "trajectory"."id" = "trajectory_id"),
    "finished" = ("state" <> 'open');
UPDATE "site" SET "placed" = (SELECT COUNT(*) FROM "placement" WHERE "site_id" = "site"."id" AND "state" <> 'cancelled');

DROP INDEX "placement_site_id_state";
CREATE INDEX "history_verb_at" ON "history" ("verb", "at");
CREATE INDEX "lookup_at" ON "lookup" ("at");
CREATE INDEX "lookup_found_at" ON "lookup" ("found", "at");
CREATE INDEX "lookup_kavo_id_at" ON "lookup" ("kavo_id", "at");
CREATE INDEX "lookup_purpose_at" ON "lookup" ("purpose", "at");
CREATE INDEX "lookup_search" ON "lookup" ("search");
CREATE INDEX "mail_search" ON "mail" ("search");
CREATE INDEX "mail_sent_at" ON "mail" (COALESCE("sent_at", '0001-01-01 00:00:00'));
CREATE INDEX "mail_state_created_at" ON "mail" ("state", "created_at");
CREATE INDEX "mail_subject" ON "mail" ("subject");
CREATE INDEX "mail_to_address" ON "mail" ("to_address");
CREATE INDEX "participant_birth_date_search" ON "participant" ("birth_date", "search");
CREATE INDEX "participant_email_search" ON "participant" ("email", "search");
CREATE INDEX "placement_association_id_finished_search" ON "placement" ("association_id", "finished", "search");
CREATE INDEX "placement_ends_on" ON "placement" (COALESCE("ends_on", '0001-01-01'), "finished", "search");
CREATE INDEX "placement_finished_search" ON "placement" ("finished", "search");
CREATE INDEX "placement_hours_finished_search" ON "placement" ("hours", "finished", "search");
CREATE INDEX "placement_search" ON "placement" ("search");
CREATE INDEX "placement_site_id_finished_search" ON "placement" ("site_id", "finished", "search");
CREATE INDEX "placement_starts_on" ON "placement" (COALESCE("starts_on", '0001-01-01'), "finished", "search");
CREATE INDEX "placement_type_finished_search" ON "placement" ("type", "finished", "search");
CREATE INDEX "site_animator_head_animator_instructor_search" ON "site" ("animator", "head_animator", "instructor", "search");
CREATE INDEX "site_animator_state_search" ON "site" ("animator", "state", "search");
CREATE INDEX "site_head_animator_state_search" ON "site" ("head_animator", "state", "search");
CREATE INDEX "site_instructor_state_search" ON "site" ("instructor", "state", "search");
CREATE INDEX "site_place_search" ON "site" ("place", "search");
CREATE INDEX "site_placed_search" ON "site" ("placed", "search");
CREATE INDEX "site_recognition_state_search" ON "site" ("recognition", "state", "search");
CREATE INDEX "trajectory_association_id_search_state" ON "trajectory" ("association_id", "search", "state");
CREATE INDEX "trajectory_course_started_on_search_state" ON "trajectory" ("course_started_on", "search", "state");
CREATE INDEX "trajectory_ends_on_search_state" ON "trajectory" ("ends_on", "search", "state");
CREATE INDEX "trajectory_hours_used_search_state" ON "trajectory" ("hours_used", "search", "state");
CREATE INDEX "trajectory_search" ON "trajectory" ("search");
CREATE INDEX "trajectory_state_search" ON "trajectory" ("state", "search");
CREATE INDEX "trajectory_type_search_state" ON "trajectory" ("type", "search", "state");
CREATE INDEX "user_active_search" ON "user" ("active", "search");

CREATE TABLE "saved_view" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "screen" VARCHAR(40) NOT NULL,
    "name" VARCHAR(60) NOT NULL,
    "query" VARCHAR(2000) NOT NULL,
    "shared_with" VARCHAR(20),
    FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
);
CREATE TABLE "start_view" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "view_id" INTEGER NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE,
    FOREIGN KEY ("view_id") REFERENCES "saved_view" ("id") ON DELETE CASCADE
);
CREATE INDEX "saved_view_screen_shared_with" ON "saved_view" ("screen", "shared_with");
CREATE INDEX "saved_view_user_id" ON "saved_view" ("user_id");
CREATE UNIQUE INDEX "saved_view_user_id_screen_name" ON "saved_view" ("user_id", "screen", "name");
CREATE INDEX "start_view_view_id" ON "start_view" ("view_id");
CREATE UNIQUE INDEX "start_view_user_id" ON "start_view" ("user_id");

-- A changed name goes with the person's trajectories and placements, a changed association with its placements.
CREATE FUNCTION participant_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE trajectory SET search = NEW.search WHERE participant_id = NEW.id;
    UPDATE placement SET search = NEW.search WHERE trajectory_id IN (SELECT id FROM trajectory WHERE participant_id = NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER participant_search AFTER UPDATE OF search ON participant FOR EACH ROW
    WHEN (OLD.search <> NEW.search) EXECUTE FUNCTION participant_search();

CREATE FUNCTION trajectory_association() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE placement SET association_id = NEW.association_id WHERE trajectory_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER trajectory_association AFTER UPDATE OF association_id ON trajectory FOR EACH ROW
    WHEN (OLD.association_id <> NEW.association_id) EXECUTE FUNCTION trajectory_association();

-- site.placed counts the placements that are not cancelled.
CREATE FUNCTION site_placed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.state <> 'cancelled' THEN
        UPDATE site SET placed = placed - 1 WHERE id = OLD.site_id;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.state <> 'cancelled' THEN
        UPDATE site SET placed = placed + 1 WHERE id = NEW.site_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER site_placed_insert AFTER INSERT ON placement FOR EACH ROW EXECUTE FUNCTION site_placed();
CREATE TRIGGER site_placed_delete AFTER DELETE ON placement FOR EACH ROW EXECUTE FUNCTION site_placed();
CREATE TRIGGER site_placed_update AFTER UPDATE OF state, site_id ON placement FOR EACH ROW
    WHEN ((OLD.state = 'cancelled') <> (NEW.state = 'cancelled') OR OLD.site_id <> NEW.site_id) EXECUTE FUNCTION site_placed();

-- Words are found by their beginnings: the space before `search` lets the first word be found in the same way.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX "association_words" ON "association" USING gin ((' ' || search) gin_trgm_ops);
CREATE INDEX "lookup_words" ON "lookup" USING gin ((' ' || search) gin_trgm_ops);
CREATE INDEX "mail_words" ON "mail" USING gin ((' ' || search) gin_trgm_ops);
CREATE INDEX "participant_words" ON "participant" USING gin ((' ' || search) gin_trgm_ops);
CREATE INDEX "placement_words" ON "placement" USING gin ((' ' || search) gin_trgm_ops);
CREATE INDEX "site_words" ON "site" USING gin ((' ' || search) gin_trgm_ops);
CREATE INDEX "trajectory_words" ON "trajectory" USING gin ((' ' || search) gin_trgm_ops);
CREATE INDEX "user_words" ON "user" USING gin ((' ' || search) gin_trgm_ops);
