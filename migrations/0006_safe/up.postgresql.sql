-- Second steps when logging in, periods of keeping, seals on the history.

ALTER TABLE "user" ADD COLUMN "seen_on" DATE;
ALTER TABLE "user" ADD COLUMN "erased_at" TIMESTAMP;
ALTER TABLE "user" ADD COLUMN "merged_into" INTEGER;
ALTER TABLE "user" ADD COLUMN "tf_primary_method" VARCHAR(20);
ALTER TABLE "user" ADD COLUMN "tf_totp_secret" VARCHAR(255);
ALTER TABLE "user" ADD COLUMN "tf_counter" INTEGER;
ALTER TABLE "user" ADD COLUMN "mf_recovery_codes" TEXT;
ALTER TABLE "user" ADD COLUMN "fs_webauthn_user_handle" VARCHAR(64);
CREATE INDEX "user_merged_into" ON "user" ("merged_into");
CREATE UNIQUE INDEX "user_fs_webauthn_user_handle" ON "user" ("fs_webauthn_user_handle");
UPDATE "user" SET "seen_on" = (SELECT CAST(MAX("seen_at") AS DATE) FROM "session" WHERE "session"."user_id" = "user"."id");
ALTER TABLE "participant" ADD COLUMN "erased_at" TIMESTAMP;
ALTER TABLE "clock" ADD COLUMN "cleaned_on" DATE;

CREATE TABLE "passkey" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "user_id" INTEGER NOT NULL,
    "credential_id" BYTEA NOT NULL,
    "public_key" BYTEA NOT NULL,
    "sign_count" INTEGER NOT NULL,
    "transports" TEXT,
    "backup_state" BOOLEAN NOT NULL,
    "device_type" VARCHAR(64) NOT NULL,
    "extensions" VARCHAR(255),
    "lastuse_datetime" TIMESTAMP NOT NULL,
    "name" VARCHAR(64) NOT NULL,
    "usage" VARCHAR(64) NOT NULL,
    FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE
);
CREATE UNIQUE INDEX "passkey_credential_id" ON "passkey" ("credential_id");
CREATE UNIQUE INDEX "passkey_user_id_name" ON "passkey" ("user_id", "name");
CREATE INDEX "passkey_user_id" ON "passkey" ("user_id");

CREATE TABLE "retention" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "key" VARCHAR(40) NOT NULL,
    "days" INTEGER NOT NULL CHECK (days > 0)
);
CREATE UNIQUE INDEX "retention_key" ON "retention" ("key");

CREATE TABLE "seal" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "until_id" INTEGER NOT NULL,
    "began_at" TIMESTAMP NOT NULL,
    "lines" INTEGER,
    "digest" VARCHAR(64),
    "sealed_at" TIMESTAMP
);
CREATE UNIQUE INDEX "seal_until_id" ON "seal" ("until_id");
