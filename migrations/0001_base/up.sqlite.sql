CREATE TABLE "association" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "version" INTEGER NOT NULL,
    "search" VARCHAR(255) NOT NULL,
    "name" VARCHAR(200) NOT NULL,
    "email" VARCHAR(254) NOT NULL,
    "phone" VARCHAR(30) NOT NULL,
    "active" INTEGER NOT NULL
);
CREATE INDEX "association_search" ON "association" ("search");
CREATE UNIQUE INDEX "association_name" ON "association" ("name");

CREATE TABLE "attempt" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "kind" VARCHAR(40) NOT NULL,
    "key_hash" VARCHAR(64) NOT NULL,
    "at" DATETIME NOT NULL
);
CREATE INDEX "attempt_at" ON "attempt" ("at");
CREATE INDEX "attempt_kind_key_hash_at" ON "attempt" ("kind", "key_hash", "at");

CREATE TABLE "participant" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "version" INTEGER NOT NULL,
    "search" VARCHAR(255) NOT NULL,
    "kavo_id" VARCHAR(9) NOT NULL CHECK (length(kavo_id) = 9),
    "first_name" VARCHAR(100) NOT NULL,
    "last_name" VARCHAR(100) NOT NULL,
    "birth_date" DATE NOT NULL,
    "email" VARCHAR(254) NOT NULL
);
CREATE INDEX "participant_search" ON "participant" ("search");
CREATE UNIQUE INDEX "participant_kavo_id" ON "participant" ("kavo_id");

CREATE TABLE "trajectory" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "version" INTEGER NOT NULL,
    "participant_id" INTEGER NOT NULL,
    "association_id" INTEGER NOT NULL,
    "type" VARCHAR(20) NOT NULL CHECK (type IN ('animator', 'head_animator', 'instructor')),
    "course_started_on" DATE NOT NULL,
    "ends_on" DATE NOT NULL,
    "state" VARCHAR(20) NOT NULL CHECK (state IN ('open', 'finished', 'stopped')),
    "hours_used" INTEGER NOT NULL CHECK (hours_used BETWEEN 0 AND 50),
    FOREIGN KEY ("participant_id") REFERENCES "participant" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("association_id") REFERENCES "association" ("id") ON DELETE RESTRICT
);
CREATE INDEX "trajectory_participant_id" ON "trajectory" ("participant_id");
CREATE INDEX "trajectory_association_id" ON "trajectory" ("association_id");
CREATE UNIQUE INDEX "trajectory_one_open" ON "trajectory" ("participant_id", "type") WHERE ("state" = 'open');

CREATE TABLE "user" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "version" INTEGER NOT NULL,
    "search" VARCHAR(255) NOT NULL,
    "email" VARCHAR(254) NOT NULL CHECK (email = lower(email)),
    "first_name" VARCHAR(100) NOT NULL,
    "last_name" VARCHAR(100) NOT NULL,
    "phone" VARCHAR(30) NOT NULL,
    "birth_date" DATE,
    "password" VARCHAR(255),
    "active" INTEGER NOT NULL,
    "fs_uniquifier" VARCHAR(64) NOT NULL,
    "password_exception" VARCHAR(500),
    "created_at" DATETIME NOT NULL
);
CREATE INDEX "user_search" ON "user" ("search");
CREATE UNIQUE INDEX "user_email" ON "user" ("email");
CREATE UNIQUE INDEX "user_fs_uniquifier" ON "user" ("fs_uniquifier");

CREATE TABLE "final_evaluation" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "trajectory_id" INTEGER NOT NULL,
    "result" VARCHAR(20) NOT NULL CHECK (result IN ('passed', 'failed')),
    "evaluated_on" DATE NOT NULL,
    "motivation" TEXT NOT NULL,
    "by_id" INTEGER NOT NULL,
    "at" DATETIME NOT NULL,
    "reopened_at" DATETIME,
    FOREIGN KEY ("trajectory_id") REFERENCES "trajectory" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("by_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
CREATE INDEX "final_evaluation_trajectory_id" ON "final_evaluation" ("trajectory_id");
CREATE INDEX "final_evaluation_by_id" ON "final_evaluation" ("by_id");
CREATE UNIQUE INDEX "final_evaluation_one_current" ON "final_evaluation" ("trajectory_id") WHERE ("reopened_at" IS NULL);

CREATE TABLE "attest" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "final_evaluation_id" INTEGER NOT NULL,
    "code" VARCHAR(40) NOT NULL,
    "issued_on" DATE NOT NULL,
    "issued_by_id" INTEGER NOT NULL,
    "revoked_at" DATETIME,
    FOREIGN KEY ("final_evaluation_id") REFERENCES "final_evaluation" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("issued_by_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
CREATE UNIQUE INDEX "attest_final_evaluation_id" ON "attest" ("final_evaluation_id");
CREATE UNIQUE INDEX "attest_code" ON "attest" ("code");
CREATE INDEX "attest_issued_by_id" ON "attest" ("issued_by_id");

CREATE TABLE "declaration" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "version" INTEGER NOT NULL,
    "text" TEXT NOT NULL,
    "valid_from" DATE NOT NULL
);
CREATE UNIQUE INDEX "declaration_version" ON "declaration" ("version");

CREATE TABLE "draft" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "key_hash" VARCHAR(64) NOT NULL,
    "form" VARCHAR(40) NOT NULL,
    "data" TEXT NOT NULL,
    "created_at" DATETIME NOT NULL,
    "expires_at" DATETIME NOT NULL
);
CREATE UNIQUE INDEX "draft_key_hash" ON "draft" ("key_hash");
CREATE INDEX "draft_expires_at" ON "draft" ("expires_at");

CREATE TABLE "site" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "version" INTEGER NOT NULL,
    "search" VARCHAR(255) NOT NULL,
    "name" VARCHAR(200) NOT NULL,
    "recognition" VARCHAR(20) NOT NULL CHECK (recognition IN ('flemish', 'municipal', 'municipality', 'branch')),
    "street" VARCHAR(200) NOT NULL,
    "postcode" VARCHAR(4) NOT NULL,
    "municipality" VARCHAR(100) NOT NULL,
    "email" VARCHAR(254) NOT NULL,
    "phone" VARCHAR(30) NOT NULL,
    "animator" INTEGER NOT NULL,
    "head_animator" INTEGER NOT NULL,
    "instructor" INTEGER NOT NULL,
    "state" VARCHAR(20) NOT NULL CHECK (state IN ('submitted', 'approved', 'rejected', 'withdrawn', 'closed')),
    "submitted_at" DATETIME NOT NULL,
    "due_on" DATE,
    "decided_at" DATETIME,
    "decided_by_id" INTEGER,
    "reason" VARCHAR(2000) NOT NULL,
    "declaration_id" INTEGER,
    "declared_by_id" INTEGER,
    "declared_at" DATETIME,
    FOREIGN KEY ("decided_by_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("declaration_id") REFERENCES "declaration" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("declared_by_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    CHECK (animator OR head_animator OR instructor)
);
CREATE INDEX "site_search" ON "site" ("search");
CREATE INDEX "site_municipality" ON "site" ("municipality");
CREATE INDEX "site_due_on" ON "site" ("due_on");
CREATE INDEX "site_decided_by_id" ON "site" ("decided_by_id");
CREATE INDEX "site_declaration_id" ON "site" ("declaration_id");
CREATE INDEX "site_declared_by_id" ON "site" ("declared_by_id");
CREATE INDEX "site_state_search" ON "site" ("state", "search");

CREATE TABLE "placement" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "version" INTEGER NOT NULL,
    "trajectory_id" INTEGER NOT NULL,
    "site_id" INTEGER NOT NULL,
    "hours" INTEGER NOT NULL CHECK (hours >= 1),
    "hours_done" INTEGER CHECK (hours_done >= 0),
    "state" VARCHAR(20) NOT NULL CHECK (state IN ('open', 'evaluated', 'cancelled')),
    "result" VARCHAR(20) CHECK (result IN ('positive', 'negative')),
    "counted" INTEGER NOT NULL,
    "starts_on" DATE,
    "ends_on" DATE,
    "no_show" INTEGER NOT NULL,
    "reason" VARCHAR(2000) NOT NULL,
    "on_behalf" VARCHAR(20),
    "coupled_by_id" INTEGER NOT NULL,
    "created_at" DATETIME NOT NULL,
    FOREIGN KEY ("trajectory_id") REFERENCES "trajectory" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("site_id") REFERENCES "site" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("coupled_by_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    CHECK ((state = 'evaluated') = (result IS NOT NULL)),
    CHECK ((state = 'evaluated') = (hours_done IS NOT NULL)),
    CHECK (result IS NULL OR result <> 'positive' OR hours_done >= 1),
    CHECK (state <> 'cancelled' OR reason <> ''),
    CHECK (starts_on <= ends_on),
    CHECK (counted = CASE WHEN state = 'open' THEN hours WHEN state = 'evaluated' AND result = 'positive' THEN hours_done ELSE 0 END)
);
CREATE INDEX "placement_trajectory_id" ON "placement" ("trajectory_id");
CREATE INDEX "placement_site_id" ON "placement" ("site_id");
CREATE INDEX "placement_coupled_by_id" ON "placement" ("coupled_by_id");
CREATE INDEX "placement_created_at" ON "placement" ("created_at");
CREATE INDEX "placement_site_id_state" ON "placement" ("site_id", "state");

CREATE TABLE "evaluation" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "placement_id" INTEGER NOT NULL,
    "number" INTEGER NOT NULL CHECK (number >= 1),
    "mentor" VARCHAR(200) NOT NULL,
    "criterion" VARCHAR(20) NOT NULL CHECK (criterion IN ('instructor', 'head_animator', 'diploma', 'professional', 'training')),
    "starts_on" DATE NOT NULL,
    "ends_on" DATE NOT NULL,
    "hours_done" INTEGER NOT NULL CHECK (hours_done >= 0),
    "result" VARCHAR(20) NOT NULL CHECK (result IN ('positive', 'negative')),
    "motivation" TEXT NOT NULL,
    "remarks" TEXT NOT NULL,
    "on_behalf" VARCHAR(20),
    "by_id" INTEGER NOT NULL,
    "at" DATETIME NOT NULL,
    FOREIGN KEY ("placement_id") REFERENCES "placement" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("by_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    CHECK (starts_on <= ends_on),
    CHECK (result <> 'negative' OR motivation <> ''),
    CHECK (result <> 'positive' OR hours_done >= 1)
);
CREATE INDEX "evaluation_placement_id" ON "evaluation" ("placement_id");
CREATE INDEX "evaluation_by_id" ON "evaluation" ("by_id");
CREATE UNIQUE INDEX "evaluation_placement_id_number" ON "evaluation" ("placement_id", "number");

CREATE TABLE "extension" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "trajectory_id" INTEGER,
    "courses_from" DATE,
    "courses_until" DATE,
    "days" INTEGER NOT NULL CHECK (days > 0),
    "reason" VARCHAR(2000) NOT NULL,
    "by_id" INTEGER NOT NULL,
    "at" DATETIME NOT NULL,
    FOREIGN KEY ("trajectory_id") REFERENCES "trajectory" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("by_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    CHECK (trajectory_id IS NOT NULL OR (courses_from IS NOT NULL AND courses_until >= courses_from))
);
CREATE INDEX "extension_trajectory_id" ON "extension" ("trajectory_id");
CREATE INDEX "extension_by_id" ON "extension" ("by_id");

CREATE TABLE "form_key" (
    "key" VARCHAR(64) NOT NULL PRIMARY KEY,
    "user_id" INTEGER,
    "at" DATETIME NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
);
CREATE INDEX "form_key_user_id" ON "form_key" ("user_id");
CREATE INDEX "form_key_at" ON "form_key" ("at");

CREATE TABLE "handover" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "version" INTEGER NOT NULL,
    "site_id" INTEGER NOT NULL,
    "requester_id" INTEGER NOT NULL,
    "asked_id" INTEGER,
    "email" VARCHAR(254) NOT NULL,
    "phone" VARCHAR(30) NOT NULL,
    "state" VARCHAR(20) NOT NULL CHECK (state IN ('open', 'escalated', 'accepted', 'refused', 'withdrawn')),
    "reason" VARCHAR(2000) NOT NULL,
    "created_at" DATETIME NOT NULL,
    "due_on" DATE NOT NULL,
    "decided_at" DATETIME,
    "decided_by_id" INTEGER,
    FOREIGN KEY ("site_id") REFERENCES "site" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("requester_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("asked_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("decided_by_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
CREATE INDEX "handover_site_id" ON "handover" ("site_id");
CREATE INDEX "handover_requester_id" ON "handover" ("requester_id");
CREATE INDEX "handover_asked_id" ON "handover" ("asked_id");
CREATE INDEX "handover_due_on" ON "handover" ("due_on");
CREATE INDEX "handover_decided_by_id" ON "handover" ("decided_by_id");
CREATE UNIQUE INDEX "handover_one_unanswered" ON "handover" ("site_id") WHERE ("state" IN ('open', 'escalated'));

CREATE TABLE "history" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "at" DATETIME NOT NULL,
    "actor_id" INTEGER,
    "verb" VARCHAR(60) NOT NULL,
    "object_type" VARCHAR(40) NOT NULL,
    "object_id" VARCHAR(40) NOT NULL,
    "site_id" INTEGER,
    "trajectory_id" INTEGER,
    "payload" TEXT,
    "salt" VARCHAR(32),
    "digest" VARCHAR(64) NOT NULL,
    FOREIGN KEY ("actor_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
CREATE INDEX "history_at" ON "history" ("at");
CREATE INDEX "history_actor_id" ON "history" ("actor_id");
CREATE INDEX "history_object_type_object_id" ON "history" ("object_type", "object_id");
CREATE INDEX "history_site_id_trajectory_id" ON "history" ("site_id", "trajectory_id");
CREATE INDEX "history_trajectory_id_at" ON "history" ("trajectory_id", "at");

CREATE TABLE "identity" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "issuer" VARCHAR(255) NOT NULL,
    "subject" VARCHAR(255) NOT NULL,
    "number_hash" VARCHAR(64),
    "key_id" VARCHAR(16),
    "created_at" DATETIME NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
CREATE INDEX "identity_user_id" ON "identity" ("user_id");
CREATE UNIQUE INDEX "identity_number_hash" ON "identity" ("number_hash");
CREATE UNIQUE INDEX "identity_issuer_subject" ON "identity" ("issuer", "subject");

CREATE TABLE "import_batch" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "by_id" INTEGER NOT NULL,
    "file_name" VARCHAR(200) NOT NULL,
    "digest" VARCHAR(64) NOT NULL,
    "rows" INTEGER NOT NULL,
    "created_at" DATETIME NOT NULL,
    "undone_at" DATETIME,
    FOREIGN KEY ("by_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
CREATE INDEX "import_batch_by_id" ON "import_batch" ("by_id");

CREATE TABLE "lookup" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "kavo_id" VARCHAR(9) NOT NULL,
    "found" INTEGER NOT NULL,
    "purpose" VARCHAR(200) NOT NULL,
    "at" DATETIME NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
CREATE INDEX "lookup_user_id" ON "lookup" ("user_id");
CREATE INDEX "lookup_user_id_found_at" ON "lookup" ("user_id", "found", "at");

CREATE TABLE "mail" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "key" VARCHAR(120) NOT NULL,
    "kind" VARCHAR(60) NOT NULL,
    "to_address" VARCHAR(254) NOT NULL,
    "subject" VARCHAR(200) NOT NULL,
    "body" TEXT NOT NULL,
    "message_id" VARCHAR(255) NOT NULL,
    "state" VARCHAR(20) NOT NULL CHECK (state IN ('pending', 'claimed', 'data', 'sent', 'failed', 'uncertain')),
    "attempts" INTEGER NOT NULL,
    "error" VARCHAR(500) NOT NULL,
    "created_at" DATETIME NOT NULL,
    "next_at" DATETIME,
    "sent_at" DATETIME
);
CREATE UNIQUE INDEX "mail_key" ON "mail" ("key");
CREATE UNIQUE INDEX "mail_message_id" ON "mail" ("message_id");
CREATE INDEX "mail_created_at" ON "mail" ("created_at");
CREATE INDEX "mail_state_next_at" ON "mail" ("state", "next_at");

CREATE TABLE "membership" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "association_id" INTEGER NOT NULL,
    "since" DATETIME NOT NULL,
    "until" DATETIME,
    FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("association_id") REFERENCES "association" ("id") ON DELETE RESTRICT
);
CREATE INDEX "membership_user_id" ON "membership" ("user_id");
CREATE INDEX "membership_association_id" ON "membership" ("association_id");
CREATE UNIQUE INDEX "membership_one_current" ON "membership" ("user_id", "association_id") WHERE ("until" IS NULL);

CREATE TABLE "reminder" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "object_type" VARCHAR(40) NOT NULL,
    "object_id" VARCHAR(40) NOT NULL,
    "kind" VARCHAR(40) NOT NULL,
    "due_on" DATE NOT NULL,
    "at" DATETIME NOT NULL
);
CREATE UNIQUE INDEX "reminder_object_type_object_id_kind_due_on" ON "reminder" ("object_type", "object_id", "kind", "due_on");

CREATE TABLE "role" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "name" VARCHAR(20) NOT NULL,
    "description" VARCHAR(500) NOT NULL
);
CREATE UNIQUE INDEX "role_name" ON "role" ("name");

CREATE TABLE "site_manager" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "site_id" INTEGER NOT NULL,
    "user_id" INTEGER NOT NULL,
    "since" DATETIME NOT NULL,
    "until" DATETIME,
    FOREIGN KEY ("site_id") REFERENCES "site" ("id") ON DELETE RESTRICT,
    FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE RESTRICT
);
CREATE INDEX "site_manager_site_id" ON "site_manager" ("site_id");
CREATE INDEX "site_manager_user_id" ON "site_manager" ("user_id");
CREATE UNIQUE INDEX "site_manager_one_current" ON "site_manager" ("site_id", "user_id") WHERE ("until" IS NULL);
CREATE INDEX "site_manager_user_id_until_site_id" ON "site_manager" ("user_id", "until", "site_id");

CREATE TABLE "site_period" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "site_id" INTEGER NOT NULL,
    "kind" VARCHAR(20) NOT NULL CHECK (kind IN ('spring', 'easter', 'summer', 'autumn', 'christmas', 'year', 'own')),
    "starts_on" DATE,
    "ends_on" DATE,
    FOREIGN KEY ("site_id") REFERENCES "site" ("id") ON DELETE CASCADE,
    CHECK ((kind = 'own') = (starts_on IS NOT NULL AND ends_on IS NOT NULL)),
    CHECK (starts_on <= ends_on)
);
CREATE INDEX "site_period_site_id" ON "site_period" ("site_id");

CREATE TABLE "token" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "key_hash" VARCHAR(64) NOT NULL,
    "purpose" VARCHAR(40) NOT NULL,
    "user_id" INTEGER,
    "object_type" VARCHAR(40) NOT NULL,
    "object_id" VARCHAR(40) NOT NULL,
    "created_at" DATETIME NOT NULL,
    "expires_at" DATETIME NOT NULL,
    "used_at" DATETIME,
    FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "token_key_hash" ON "token" ("key_hash");
CREATE INDEX "token_user_id" ON "token" ("user_id");

CREATE TABLE "user_role" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "role_id" INTEGER NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE,
    FOREIGN KEY ("role_id") REFERENCES "role" ("id") ON DELETE RESTRICT
);
CREATE INDEX "user_role_user_id" ON "user_role" ("user_id");
CREATE INDEX "user_role_role_id" ON "user_role" ("role_id");
CREATE UNIQUE INDEX "user_role_user_id_role_id" ON "user_role" ("user_id", "role_id");

CREATE TABLE "session" (
    "id" INTEGER NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "key_hash" VARCHAR(64) NOT NULL,
    "device" VARCHAR(200) NOT NULL,
    "created_at" DATETIME NOT NULL,
    "seen_at" DATETIME NOT NULL,
    "ended_at" DATETIME,
    FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
);
CREATE INDEX "session_user_id" ON "session" ("user_id");
CREATE UNIQUE INDEX "session_key_hash" ON "session" ("key_hash");

-- The 50 hours: `trajectory.hours_used` is always the sum of `placement.counted`, whoever writes.

CREATE TRIGGER placement_hours_insert AFTER INSERT ON placement BEGIN
    UPDATE trajectory SET hours_used = (SELECT COALESCE(SUM(counted), 0) FROM placement WHERE trajectory_id = NEW.trajectory_id)
    WHERE id = NEW.trajectory_id;
END;

CREATE TRIGGER placement_hours_update AFTER UPDATE OF counted, trajectory_id ON placement BEGIN
    UPDATE trajectory SET hours_used = (SELECT COALESCE(SUM(counted), 0) FROM placement WHERE trajectory_id = trajectory.id)
    WHERE id IN (OLD.trajectory_id, NEW.trajectory_id);
END;

CREATE TRIGGER placement_hours_delete AFTER DELETE ON placement BEGIN
    UPDATE trajectory SET hours_used = (SELECT COALESCE(SUM(counted), 0) FROM placement WHERE trajectory_id = OLD.trajectory_id)
    WHERE id = OLD.trajectory_id;
END;

CREATE TRIGGER trajectory_hours_insert AFTER INSERT ON trajectory WHEN NEW.hours_used <> 0 BEGIN
    SELECT RAISE(ABORT, 'hours_used follows placement.counted');
END;

CREATE TRIGGER trajectory_hours_update AFTER UPDATE OF hours_used ON trajectory
WHEN NEW.hours_used <> (SELECT COALESCE(SUM(counted), 0) FROM placement WHERE trajectory_id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'hours_used follows placement.counted');
END;

-- The history is append-only; only a payload may be erased, together with its salt.

CREATE TRIGGER history_update BEFORE UPDATE ON history
WHEN NEW.payload IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.id <> OLD.id OR NEW.at <> OLD.at OR NEW.actor_id IS NOT OLD.actor_id
    OR NEW.verb <> OLD.verb OR NEW.object_type <> OLD.object_type OR NEW.object_id <> OLD.object_id
    OR NEW.site_id IS NOT OLD.site_id OR NEW.trajectory_id IS NOT OLD.trajectory_id OR NEW.digest <> OLD.digest BEGIN
    SELECT RAISE(ABORT, 'history is append-only');
END;

CREATE TRIGGER history_delete BEFORE DELETE ON history BEGIN
    SELECT RAISE(ABORT, 'history is append-only');
END;
