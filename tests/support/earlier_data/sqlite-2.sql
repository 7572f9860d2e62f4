PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE cards (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    message_ts TEXT NOT NULL,
    rendered_version INTEGER NOT NULL,
    PRIMARY KEY (workspace, event_id, channel_id, message_ts)
) STRICT, WITHOUT ROWID;
INSERT INTO "cards" VALUES('T1','e1','C1','1.1',3);
CREATE TABLE deliveries (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    holder TEXT NOT NULL,
    leased_until INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id)
) STRICT;
INSERT INTO "deliveries" VALUES('T1','e1','me',4081320030000000,'{"event_id":"e1","delivered_version":0,"cleared_version":0,"notice":0,"recipient":null,"deferred":[],"untold":[],"more_untold":0,"holder":"me","leased_until":"2099-05-01T12:00:30Z","revision":0}');
CREATE TABLE events (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    starts_at INTEGER NOT NULL,
    is_shown INTEGER NOT NULL,
    is_unfinished INTEGER NOT NULL,
    next_due_at INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id)
) STRICT;
INSERT INTO "events" VALUES('T1','e1',10,4082097600000000,1,0,4082011200000000,'{"event_id":"e1","title":"Event e1","description":"","location":"","starts_at":"2099-05-10T12:00:00Z","ends_at":null,"time_zone":"Europe/Berlin","organizer_id":"org","co_organizer_ids":[],"capacity":2,"has_waitlist":true,"registration_deadline":null,"listed":true,"status":"open","created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","version":10,"registered_count":2,"waitlist_count":4,"next_ticket":1002,"waiting_by_block":{"1":2,"2":2},"capacity_target":null,"operation_id":null,"deletion":null,"reminders":[1440,60],"next_due_at":"2099-05-09T12:00:00Z","recent_requests":["r1"]}');
INSERT INTO "events" VALUES('T1','e2',3,4082097600000000,1,0,NULL,'{"event_id":"e2","title":"Event e2","description":"","location":"","starts_at":"2099-05-10T12:00:00Z","ends_at":null,"time_zone":"Europe/Berlin","organizer_id":"org","co_organizer_ids":[],"capacity":2,"has_waitlist":true,"registration_deadline":null,"listed":true,"status":"cancelled","created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","version":3,"registered_count":1,"waitlist_count":0,"next_ticket":2,"waiting_by_block":{},"capacity_target":null,"operation_id":null,"deletion":null,"reminders":[1440,60],"next_due_at":null,"recent_requests":[]}');
CREATE TABLE journal (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    plan_id TEXT NOT NULL,
    is_undelivered INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id, version),
    FOREIGN KEY (workspace, event_id) REFERENCES events
) STRICT;
INSERT INTO "journal" VALUES('T1','e1',1,'id000000000000000000000000000010',1,'{"event_id":"e1","version":1,"plan_id":"id000000000000000000000000000010","at":"2099-05-01T12:00:00Z","changes":[{"kind":"created","user_id":null,"actor_id":"org","ticket":null,"cause":null,"status":null,"reason":null,"fields":null}],"notices":[],"about":null,"unreached":[]}');
INSERT INTO "journal" VALUES('T1','e1',2,'id000000000000000000000000000011',1,'{"event_id":"e1","version":2,"plan_id":"id000000000000000000000000000011","at":"2099-05-01T12:00:00Z","changes":[{"kind":"registered","user_id":"ada","actor_id":"ada","ticket":1,"cause":null,"status":null,"reason":null,"fields":null}],"notices":[],"about":null,"unreached":[]}');
INSERT INTO "journal" VALUES('T1','e1',3,'id000000000000000000000000000012',1,'{"event_id":"e1","version":3,"plan_id":"id000000000000000000000000000012","at":"2099-05-01T12:00:00Z","changes":[{"kind":"registered","user_id":"ben","actor_id":"ben","ticket":2,"cause":null,"status":null,"reason":null,"fields":null}],"notices":[],"about":null,"unreached":[]}');
INSERT INTO "journal" VALUES('T1','e1',4,'id000000000000000000000000000013',1,'{"event_id":"e1","version":4,"plan_id":"id000000000000000000000000000013","at":"2099-05-01T12:00:00Z","changes":[{"kind":"waitlisted","user_id":"cleo","actor_id":"cleo","ticket":499,"cause":null,"status":null,"reason":null,"fields":null}],"notices":[],"about":null,"unreached":[]}');
INSERT INTO "journal" VALUES('T1','e1',5,'id000000000000000000000000000014',1,'{"event_id":"e1","version":5,"plan_id":"id000000000000000000000000000014","at":"2099-05-01T12:00:00Z","changes":[{"kind":"waitlisted","user_id":"dora","actor_id":"dora","ticket":500,"cause":null,"status":null,"reason":null,"fields":null}],"notices":[],"about":null,"unreached":[]}');
INSERT INTO "journal" VALUES('T1','e1',6,'id000000000000000000000000000015',1,'{"event_id":"e1","version":6,"plan_id":"id000000000000000000000000000015","at":"2099-05-01T12:00:00Z","changes":[{"kind":"waitlisted","user_id":"eve","actor_id":"eve","ticket":999,"cause":null,"status":null,"reason":null,"fields":null}],"notices":[],"about":null,"unreached":[]}');
INSERT INTO "journal" VALUES('T1','e1',7,'id000000000000000000000000000016',1,'{"event_id":"e1","version":7,"plan_id":"id000000000000000000000000000016","at":"2099-05-01T12:00:00Z","changes":[{"kind":"waitlisted","user_id":"finn","actor_id":"finn","ticket":1000,"cause":null,"status":null,"reason":null,"fields":null}],"notices":[],"about":null,"unreached":[]}');
INSERT INTO "journal" VALUES('T1','e1',8,'id000000000000000000000000000017',1,'{"event_id":"e1","version":8,"plan_id":"id000000000000000000000000000017","at":"2099-05-01T12:00:00Z","changes":[{"kind":"waitlisted","user_id":"gus","actor_id":"gus","ticket":1001,"cause":null,"status":null,"reason":null,"fields":null}],"notices":[],"about":null,"unreached":[]}');
INSERT INTO "journal" VALUES('T1','e1',9,'id000000000000000000000000000018',1,'{"event_id":"e1","version":9,"plan_id":"id000000000000000000000000000018","at":"2099-05-01T12:00:00Z","changes":[{"kind":"messaged","user_id":null,"actor_id":"org","ticket":null,"cause":null,"status":null,"reason":null,"fields":null}],"notices":[{"kind":"message","user_id":null,"ticket":null,"reason":null,"before":null,"audience":"waiting","text":"Bring cake","about_user_id":null}],"about":{"title":"Event e1","starts_at":"2099-05-10T12:00:00Z","time_zone":"Europe/Berlin","location":"","ends_at":null},"unreached":[]}');
INSERT INTO "journal" VALUES('T1','e1',10,'id000000000000000000000000000019',1,'{"event_id":"e1","version":10,"plan_id":"id000000000000000000000000000019","at":"2099-05-01T12:00:00Z","changes":[{"kind":"left","user_id":"ben","actor_id":"ben","ticket":2,"cause":"own","status":"registered","reason":null,"fields":null},{"kind":"promoted","user_id":"cleo","actor_id":null,"ticket":499,"cause":"seat_freed","status":null,"reason":null,"fields":null}],"notices":[{"kind":"promoted","user_id":"cleo","ticket":499,"reason":null,"before":null,"audience":"everyone","text":null,"about_user_id":null}],"about":{"title":"Event e1","starts_at":"2099-05-10T12:00:00Z","time_zone":"Europe/Berlin","location":"","ends_at":null},"unreached":[]}');
INSERT INTO "journal" VALUES('T1','e2',1,'id000000000000000000000000000020',1,'{"event_id":"e2","version":1,"plan_id":"id000000000000000000000000000020","at":"2099-05-01T12:00:00Z","changes":[{"kind":"created","user_id":null,"actor_id":"org","ticket":null,"cause":null,"status":null,"reason":null,"fields":null}],"notices":[],"about":null,"unreached":[]}');
INSERT INTO "journal" VALUES('T1','e2',2,'id000000000000000000000000000021',1,'{"event_id":"e2","version":2,"plan_id":"id000000000000000000000000000021","at":"2099-05-01T12:00:00Z","changes":[{"kind":"registered","user_id":"ada","actor_id":"ada","ticket":1,"cause":null,"status":null,"reason":null,"fields":null}],"notices":[],"about":null,"unreached":[]}');
INSERT INTO "journal" VALUES('T1','e2',3,'id000000000000000000000000000022',1,'{"event_id":"e2","version":3,"plan_id":"id000000000000000000000000000022","at":"2099-05-01T12:00:00Z","changes":[{"kind":"cancelled","user_id":null,"actor_id":"org","ticket":null,"cause":null,"status":null,"reason":null,"fields":null}],"notices":[{"kind":"cancelled","user_id":null,"ticket":null,"reason":null,"before":null,"audience":"everyone","text":null,"about_user_id":null}],"about":{"title":"Event e2","starts_at":"2099-05-10T12:00:00Z","time_zone":"Europe/Berlin","location":"","ends_at":null},"unreached":[]}');
CREATE TABLE registrations (
    workspace TEXT NOT NULL,
    user_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    status TEXT NOT NULL,
    ticket INTEGER NOT NULL,
    registered_at INTEGER NOT NULL,
    seated_at INTEGER,
    PRIMARY KEY (workspace, user_id, event_id),
    FOREIGN KEY (workspace, user_id) REFERENCES users,
    FOREIGN KEY (workspace, event_id) REFERENCES events
) STRICT, WITHOUT ROWID;
INSERT INTO "registrations" VALUES('T1','ada','e1','registered',1,4081320000000000,4081320000000000);
INSERT INTO "registrations" VALUES('T1','ada','e2','registered',1,4081320000000000,4081320000000000);
INSERT INTO "registrations" VALUES('T1','cleo','e1','registered',499,4081320000000000,4081320000000000);
INSERT INTO "registrations" VALUES('T1','dora','e1','waitlisted',500,4081320000000000,NULL);
INSERT INTO "registrations" VALUES('T1','eve','e1','waitlisted',999,4081320000000000,NULL);
INSERT INTO "registrations" VALUES('T1','finn','e1','waitlisted',1000,4081320000000000,NULL);
INSERT INTO "registrations" VALUES('T1','gus','e1','waitlisted',1001,4081320000000000,NULL);
CREATE TABLE users (
    workspace TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    revision TEXT NOT NULL,
    deletion TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, user_id)
) STRICT;
INSERT INTO "users" VALUES('T1','ada','Ada','id000000000000000000000000000001',NULL,'{"user_id":"ada","name":"Ada","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id000000000000000000000000000001","deletion":null}');
INSERT INTO "users" VALUES('T1','ben','Ben','id000000000000000000000000000002',NULL,'{"user_id":"ben","name":"Ben","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id000000000000000000000000000002","deletion":null}');
INSERT INTO "users" VALUES('T1','cleo','Cleo','id000000000000000000000000000003',NULL,'{"user_id":"cleo","name":"Cleo","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id000000000000000000000000000003","deletion":null}');
INSERT INTO "users" VALUES('T1','dora','Dora','id000000000000000000000000000004',NULL,'{"user_id":"dora","name":"Dora","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id000000000000000000000000000004","deletion":null}');
INSERT INTO "users" VALUES('T1','eve','Eve','id000000000000000000000000000005',NULL,'{"user_id":"eve","name":"Eve","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id000000000000000000000000000005","deletion":null}');
INSERT INTO "users" VALUES('T1','finn','Finn','id000000000000000000000000000006',NULL,'{"user_id":"finn","name":"Finn","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id000000000000000000000000000006","deletion":null}');
INSERT INTO "users" VALUES('T1','gus','Gus','id000000000000000000000000000007',NULL,'{"user_id":"gus","name":"Gus","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id000000000000000000000000000007","deletion":null}');
INSERT INTO "users" VALUES('T1','org','Org','id000000000000000000000000000008',NULL,'{"user_id":"org","name":"Org","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id000000000000000000000000000008","deletion":null}');
INSERT INTO "users" VALUES('T1','gone','Gone','id000000000000000000000000000009','d1','{"user_id":"gone","name":"Gone","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id000000000000000000000000000009","deletion":"d1"}');
CREATE TABLE waitlist (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    ticket INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, event_id, ticket),
    FOREIGN KEY (workspace, event_id) REFERENCES events
) STRICT, WITHOUT ROWID;
INSERT INTO "waitlist" VALUES('T1','e1',500,'dora',4081320000000000);
INSERT INTO "waitlist" VALUES('T1','e1',999,'eve',4081320000000000);
INSERT INTO "waitlist" VALUES('T1','e1',1000,'finn',4081320000000000);
INSERT INTO "waitlist" VALUES('T1','e1',1001,'gus',4081320000000000);
CREATE INDEX upcoming ON events (workspace, starts_at, event_id) WHERE is_shown = 1;
CREATE INDEX due ON events (workspace, next_due_at, event_id) WHERE next_due_at IS NOT NULL;
CREATE INDEX unfinished_events ON events (workspace, event_id) WHERE is_unfinished = 1;
CREATE INDEX members ON users (workspace, name, user_id);
CREATE INDEX unfinished_users ON users (workspace, user_id) WHERE deletion IS NOT NULL;
CREATE INDEX roster ON registrations (workspace, event_id, ticket) WHERE status = 'registered';
CREATE INDEX undelivered ON journal (workspace, event_id) WHERE is_undelivered = 1;
COMMIT;
