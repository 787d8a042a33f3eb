-- What lists search and order by, stored with the row. `search` of rows that exist is filled by Python after this step
-- (database.searchable); trajectories and placements hold their participant's.

ALTER TABLE "lookup" ADD COLUMN "search" VARCHAR(255) NOT NULL DEFAULT '';
ALTER TABLE "mail" ADD COLUMN "search" VARCHAR(255) NOT NULL DEFAULT '';
ALTER TABLE "placement" ADD COLUMN "search" VARCHAR(255) NOT NULL DEFAULT '';
ALTER TABLE "trajectory" ADD COLUMN "search" VARCHAR(255) NOT NULL DEFAULT '';
ALTER TABLE "placement" ADD COLUMN "type" VARCHAR(20) NOT NULL DEFAULT 'animator' CHECK (type IN ('animator', 'head_animator', 'instructor'));
ALTER TABLE "placement" ADD COLUMN "association_id" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "placement" ADD COLUMN "finished" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "site" ADD COLUMN "place" VARCHAR(100) NOT NULL DEFAULT '';
ALTER TABLE "site" ADD COLUMN "placed" INTEGER NOT NULL DEFAULT 0;

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
    "id" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "screen" VARCHAR(40) NOT NULL,
    "name" VARCHAR(60) NOT NULL,
    "query" VARCHAR(2000) NOT NULL,
    "shared_with" VARCHAR(20),
    FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
);
CREATE TABLE "start_view" (
    "id" INTEGER NOT NULL PRIMARY KEY,
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
CREATE TRIGGER participant_search AFTER UPDATE OF search ON participant WHEN OLD.search <> NEW.search BEGIN
    UPDATE trajectory SET search = NEW.search WHERE participant_id = NEW.id;
    UPDATE placement SET search = NEW.search WHERE trajectory_id IN (SELECT id FROM trajectory WHERE participant_id = NEW.id);
END;

CREATE TRIGGER trajectory_association AFTER UPDATE OF association_id ON trajectory WHEN OLD.association_id <> NEW.association_id BEGIN
    UPDATE placement SET association_id = NEW.association_id WHERE trajectory_id = NEW.id;
END;

-- site.placed counts the placements that are not cancelled.
CREATE TRIGGER site_placed_insert AFTER INSERT ON placement WHEN NEW.state <> 'cancelled' BEGIN
    UPDATE site SET placed = placed + 1 WHERE id = NEW.site_id;
END;
CREATE TRIGGER site_placed_delete AFTER DELETE ON placement WHEN OLD.state <> 'cancelled' BEGIN
    UPDATE site SET placed = placed - 1 WHERE id = OLD.site_id;
END;
CREATE TRIGGER site_placed_update AFTER UPDATE OF state, site_id ON placement
WHEN (OLD.state = 'cancelled') <> (NEW.state = 'cancelled') OR OLD.site_id <> NEW.site_id BEGIN
    UPDATE site SET placed = placed - (OLD.state <> 'cancelled') WHERE id = OLD.site_id;
    UPDATE site SET placed = placed + (NEW.state <> 'cancelled') WHERE id = NEW.site_id;
END;

-- Words are found by their beginnings. A word is what stands between spaces: `search` is normalised already.
CREATE VIRTUAL TABLE "association_words" USING fts5(
    search, content='association', content_rowid='id', prefix='1 2 3', detail=none, columnsize=0,
    tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
);
CREATE VIRTUAL TABLE "association_terms" USING fts5vocab('association_words', 'row');
INSERT INTO association_words (association_words) VALUES ('rebuild');
CREATE TRIGGER association_words_insert AFTER INSERT ON "association" BEGIN
    INSERT INTO association_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE TRIGGER association_words_delete AFTER DELETE ON "association" BEGIN
    INSERT INTO association_words (association_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
END;
CREATE TRIGGER association_words_update AFTER UPDATE OF search ON "association" WHEN OLD.search <> NEW.search BEGIN
    INSERT INTO association_words (association_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
    INSERT INTO association_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE VIRTUAL TABLE "lookup_words" USING fts5(
    search, content='lookup', content_rowid='id', prefix='1 2 3', detail=none, columnsize=0,
    tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
);
CREATE VIRTUAL TABLE "lookup_terms" USING fts5vocab('lookup_words', 'row');
INSERT INTO lookup_words (lookup_words) VALUES ('rebuild');
CREATE TRIGGER lookup_words_insert AFTER INSERT ON "lookup" BEGIN
    INSERT INTO lookup_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE TRIGGER lookup_words_delete AFTER DELETE ON "lookup" BEGIN
    INSERT INTO lookup_words (lookup_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
END;
CREATE TRIGGER lookup_words_update AFTER UPDATE OF search ON "lookup" WHEN OLD.search <> NEW.search BEGIN
    INSERT INTO lookup_words (lookup_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
    INSERT INTO lookup_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE VIRTUAL TABLE "mail_words" USING fts5(
    search, content='mail', content_rowid='id', prefix='1 2 3', detail=none, columnsize=0,
    tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
);
CREATE VIRTUAL TABLE "mail_terms" USING fts5vocab('mail_words', 'row');
INSERT INTO mail_words (mail_words) VALUES ('rebuild');
CREATE TRIGGER mail_words_insert AFTER INSERT ON "mail" BEGIN
    INSERT INTO mail_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE TRIGGER mail_words_delete AFTER DELETE ON "mail" BEGIN
    INSERT INTO mail_words (mail_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
END;
CREATE TRIGGER mail_words_update AFTER UPDATE OF search ON "mail" WHEN OLD.search <> NEW.search BEGIN
    INSERT INTO mail_words (mail_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
    INSERT INTO mail_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE VIRTUAL TABLE "participant_words" USING fts5(
    search, content='participant', content_rowid='id', prefix='1 2 3', detail=none, columnsize=0,
    tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
);
CREATE VIRTUAL TABLE "participant_terms" USING fts5vocab('participant_words', 'row');
INSERT INTO participant_words (participant_words) VALUES ('rebuild');
CREATE TRIGGER participant_words_insert AFTER INSERT ON "participant" BEGIN
    INSERT INTO participant_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE TRIGGER participant_words_delete AFTER DELETE ON "participant" BEGIN
    INSERT INTO participant_words (participant_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
END;
CREATE TRIGGER participant_words_update AFTER UPDATE OF search ON "participant" WHEN OLD.search <> NEW.search BEGIN
    INSERT INTO participant_words (participant_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
    INSERT INTO participant_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE VIRTUAL TABLE "placement_words" USING fts5(
    search, content='placement', content_rowid='id', prefix='1 2 3', detail=none, columnsize=0,
    tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
);
CREATE VIRTUAL TABLE "placement_terms" USING fts5vocab('placement_words', 'row');
INSERT INTO placement_words (placement_words) VALUES ('rebuild');
CREATE TRIGGER placement_words_insert AFTER INSERT ON "placement" BEGIN
    INSERT INTO placement_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE TRIGGER placement_words_delete AFTER DELETE ON "placement" BEGIN
    INSERT INTO placement_words (placement_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
END;
CREATE TRIGGER placement_words_update AFTER UPDATE OF search ON "placement" WHEN OLD.search <> NEW.search BEGIN
    INSERT INTO placement_words (placement_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
    INSERT INTO placement_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE VIRTUAL TABLE "site_words" USING fts5(
    search, content='site', content_rowid='id', prefix='1 2 3', detail=none, columnsize=0,
    tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
);
CREATE VIRTUAL TABLE "site_terms" USING fts5vocab('site_words', 'row');
INSERT INTO site_words (site_words) VALUES ('rebuild');
CREATE TRIGGER site_words_insert AFTER INSERT ON "site" BEGIN
    INSERT INTO site_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE TRIGGER site_words_delete AFTER DELETE ON "site" BEGIN
    INSERT INTO site_words (site_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
END;
CREATE TRIGGER site_words_update AFTER UPDATE OF search ON "site" WHEN OLD.search <> NEW.search BEGIN
    INSERT INTO site_words (site_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
    INSERT INTO site_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE VIRTUAL TABLE "trajectory_words" USING fts5(
    search, content='trajectory', content_rowid='id', prefix='1 2 3', detail=none, columnsize=0,
    tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
);
CREATE VIRTUAL TABLE "trajectory_terms" USING fts5vocab('trajectory_words', 'row');
INSERT INTO trajectory_words (trajectory_words) VALUES ('rebuild');
CREATE TRIGGER trajectory_words_insert AFTER INSERT ON "trajectory" BEGIN
    INSERT INTO trajectory_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE TRIGGER trajectory_words_delete AFTER DELETE ON "trajectory" BEGIN
    INSERT INTO trajectory_words (trajectory_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
END;
CREATE TRIGGER trajectory_words_update AFTER UPDATE OF search ON "trajectory" WHEN OLD.search <> NEW.search BEGIN
    INSERT INTO trajectory_words (trajectory_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
    INSERT INTO trajectory_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE VIRTUAL TABLE "user_words" USING fts5(
    search, content='user', content_rowid='id', prefix='1 2 3', detail=none, columnsize=0,
    tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
);
CREATE VIRTUAL TABLE "user_terms" USING fts5vocab('user_words', 'row');
INSERT INTO user_words (user_words) VALUES ('rebuild');
CREATE TRIGGER user_words_insert AFTER INSERT ON "user" BEGIN
    INSERT INTO user_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
CREATE TRIGGER user_words_delete AFTER DELETE ON "user" BEGIN
    INSERT INTO user_words (user_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
END;
CREATE TRIGGER user_words_update AFTER UPDATE OF search ON "user" WHEN OLD.search <> NEW.search BEGIN
    INSERT INTO user_words (user_words, rowid, search) VALUES ('delete', OLD.id, OLD.search);
    INSERT INTO user_words (rowid, search) VALUES (NEW.id, NEW.search);
END;
