PRAGMA user_version = 6;
BEGIN TRANSACTION;
CREATE TABLE cards (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    channel_id TEXT NOT NULL,
    message_ts TEXT NOT NULL,
    rendered_version INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id, channel_id, message_ts)
) STRICT, WITHOUT ROWID;
INSERT INTO "cards" VALUES('T1','e1','C1','1.1',3,'{"event_id":"e1","channel_id":"C1","message_ts":"1.1","rendered_version":3,"requested_channel":null,"updated_at":null}');
CREATE TABLE deliveries (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    holder TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id)
) STRICT;
INSERT INTO "deliveries" VALUES('T1','e1','me','{"event_id":"e1","delivered_version":0,"cleared_version":0,"cards_version":0,"notification":0,"recipient":null,"deferred":[],"late_versions":[],"unreported":[],"more_unreported":0,"unfinished_tries":0,"holder":"me","leased_until":"2099-05-01T12:00:30Z","revision":1}');
CREATE TABLE events (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER,
    is_shown INTEGER NOT NULL,
    is_unfinished INTEGER NOT NULL,
    next_due_at INTEGER,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id)
) STRICT;
INSERT INTO "events" VALUES('T1','e1',12,4082097600000000,NULL,1,0,4082011200000000,'{"event_id":"e1","title":"Event e1","description":"","location":"","starts_at":"2099-05-10T12:00:00Z","ends_at":null,"time_zone":"Europe/Berlin","organizer_id":"org","co_organizer_ids":[],"capacity":2,"has_waitlist":true,"registration_deadline":null,"listed":true,"status":"open","created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","version":12,"registered_count":2,"waitlist_count":4,"next_ticket":1002,"waitlist_by_block":{"1":2,"2":2},"capacity_target":null,"operation_id":null,"deletion":null,"reminders":[1440,60],"next_due_at":"2099-05-09T12:00:00Z","last_due_at":null,"recent_requests":["r1"],"listing_channel":null,"join_link":"","attendees_visible_to":"everyone","questions":[],"committed_at":"2099-05-01T12:00:00Z"}');
INSERT INTO "events" VALUES('T1','e2',3,4082097600000000,NULL,1,0,NULL,'{"event_id":"e2","title":"Event e2","description":"","location":"","starts_at":"2099-05-10T12:00:00Z","ends_at":null,"time_zone":"Europe/Berlin","organizer_id":"org","co_organizer_ids":[],"capacity":2,"has_waitlist":true,"registration_deadline":null,"listed":true,"status":"canceled","created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","version":3,"registered_count":1,"waitlist_count":0,"next_ticket":2,"waitlist_by_block":{},"capacity_target":null,"operation_id":null,"deletion":null,"reminders":[1440,60],"next_due_at":null,"last_due_at":null,"recent_requests":[],"listing_channel":null,"join_link":"","attendees_visible_to":"everyone","questions":[],"committed_at":"2099-05-01T12:00:00Z"}');
CREATE TABLE journal (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    plan_id TEXT NOT NULL,
    is_undelivered INTEGER NOT NULL,
    kept_until INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id, version)
) STRICT;
INSERT INTO "journal" VALUES('T1','e1',1,'id10',1,4115880000000000,'{"event_id":"e1","version":1,"plan_id":"id10","at":"2099-05-01T12:00:00Z","changes":[{"kind":"created","user_id":null,"actor_id":"org","ticket":null,"cause":null,"status":null,"reason":null,"fields":null,"note":null,"channel_id":null}],"notifications":[],"about":null,"unreachable":[],"reply":null,"event_values":{"title":"\"Event e1\"","location":"\"\"","starts_at":"\"2099-05-10T12:00:00Z\"","ends_at":"null","time_zone":"\"Europe/Berlin\"","organizer_id":"\"org\"","co_organizer_ids":"[]","capacity":"2","has_waitlist":"true","registration_deadline":"null","listed":"true","status":"\"open\"","capacity_target":"null","deletion":"null"},"fixed":[],"previous_at":null}');
INSERT INTO "journal" VALUES('T1','e2',1,'id11',1,4115880000000000,'{"event_id":"e2","version":1,"plan_id":"id11","at":"2099-05-01T12:00:00Z","changes":[{"kind":"created","user_id":null,"actor_id":"org","ticket":null,"cause":null,"status":null,"reason":null,"fields":null,"note":null,"channel_id":null}],"notifications":[],"about":null,"unreachable":[],"reply":null,"event_values":{"title":"\"Event e2\"","location":"\"\"","starts_at":"\"2099-05-10T12:00:00Z\"","ends_at":"null","time_zone":"\"Europe/Berlin\"","organizer_id":"\"org\"","co_organizer_ids":"[]","capacity":"2","has_waitlist":"true","registration_deadline":"null","listed":"true","status":"\"open\"","capacity_target":"null","deletion":"null"},"fixed":[],"previous_at":null}');
INSERT INTO "journal" VALUES('T1','e1',2,'id12',1,4115880000000000,'{"event_id":"e1","version":2,"plan_id":"id12","at":"2099-05-01T12:00:00Z","changes":[{"kind":"registered","user_id":"ada","actor_id":"ada","ticket":1,"cause":null,"status":null,"reason":null,"fields":null,"note":null,"channel_id":null}],"notifications":[],"about":null,"unreachable":[],"reply":null,"event_values":{},"fixed":[],"previous_at":"2099-05-01T12:00:00Z"}');
INSERT INTO "journal" VALUES('T1','e1',3,'id13',1,4115880000000000,'{"event_id":"e1","version":3,"plan_id":"id13","at":"2099-05-01T12:00:00Z","changes":[{"kind":"registered","user_id":"ben","actor_id":"ben","ticket":2,"cause":null,"status":null,"reason":null,"fields":null,"note":null,"channel_id":null}],"notifications":[],"about":null,"unreachable":[],"reply":null,"event_values":{},"fixed":[],"previous_at":"2099-05-01T12:00:00Z"}');
INSERT INTO "journal" VALUES('T1','e1',4,'id14',1,4115880000000000,'{"event_id":"e1","version":4,"plan_id":"id14","at":"2099-05-01T12:00:00Z","changes":[{"kind":"repaired","user_id":null,"actor_id":null,"ticket":null,"cause":null,"status":null,"reason":null,"fields":{"next_ticket":["3","499"]},"note":null,"channel_id":null}],"notifications":[],"about":null,"unreachable":[],"reply":null,"event_values":{"title":"\"Event e1\"","location":"\"\"","starts_at":"\"2099-05-10T12:00:00Z\"","ends_at":"null","time_zone":"\"Europe/Berlin\"","organizer_id":"\"org\"","co_organizer_ids":"[]","capacity":"2","has_waitlist":"true","registration_deadline":"null","listed":"true","status":"\"open\"","next_ticket":"499","capacity_target":"null","deletion":"null"},"fixed":[],"previous_at":"2099-05-01T12:00:00Z"}');
INSERT INTO "journal" VALUES('T1','e1',5,'id15',1,4115880000000000,'{"event_id":"e1","version":5,"plan_id":"id15","at":"2099-05-01T12:00:00Z","changes":[{"kind":"waitlisted","user_id":"cleo","actor_id":"cleo","ticket":499,"cause":null,"status":null,"reason":null,"fields":null,"note":null,"channel_id":null}],"notifications":[],"about":null,"unreachable":[],"reply":null,"event_values":{},"fixed":[],"previous_at":"2099-05-01T12:00:00Z"}');
INSERT INTO "journal" VALUES('T1','e1',6,'id16',1,4115880000000000,'{"event_id":"e1","version":6,"plan_id":"id16","at":"2099-05-01T12:00:00Z","changes":[{"kind":"waitlisted","user_id":"dora","actor_id":"dora","ticket":500,"cause":null,"status":null,"reason":null,"fields":null,"note":null,"channel_id":null}],"notifications":[],"about":null,"unreachable":[],"reply":null,"event_values":{},"fixed":[],"previous_at":"2099-05-01T12:00:00Z"}');
INSERT INTO "journal" VALUES('T1','e1',7,'id17',1,4115880000000000,'{"event_id":"e1","version":7,"plan_id":"id17","at":"2099-05-01T12:00:00Z","changes":[{"kind":"repaired","user_id":null,"actor_id":null,"ticket":null,"cause":null,"status":null,"reason":null,"fields":{"next_ticket":["501","999"]},"note":null,"channel_id":null}],"notifications":[],"about":null,"unreachable":[],"reply":null,"event_values":{"title":"\"Event e1\"","location":"\"\"","starts_at":"\"2099-05-10T12:00:00Z\"","ends_at":"null","time_zone":"\"Europe/Berlin\"","organizer_id":"\"org\"","co_organizer_ids":"[]","capacity":"2","has_waitlist":"true","registration_deadline":"null","listed":"true","status":"\"open\"","next_ticket":"999","capacity_target":"null","deletion":"null"},"fixed":[],"previous_at":"2099-05-01T12:00:00Z"}');
INSERT INTO "journal" VALUES('T1','e1',8,'id18',1,4115880000000000,'{"event_id":"e1","version":8,"plan_id":"id18","at":"2099-05-01T12:00:00Z","changes":[{"kind":"waitlisted","user_id":"eve","actor_id":"eve","ticket":999,"cause":null,"status":null,"reason":null,"fields":null,"note":null,"channel_id":null}],"notifications":[],"about":null,"unreachable":[],"reply":null,"event_values":{},"fixed":[],"previous_at":"2099-05-01T12:00:00Z"}');
INSERT INTO "journal" VALUES('T1','e1',9,'id19',1,4115880000000000,'{"event_id":"e1","version":9,"plan_id":"id19","at":"2099-05-01T12:00:00Z","changes":[{"kind":"waitlisted","user_id":"finn","actor_id":"finn","ticket":1000,"cause":null,"status":null,"reason":null,"fields":null,"note":null,"channel_id":null}],"notifications":[],"about":null,"unreachable":[],"reply":null,"event_values":{},"fixed":[],"previous_at":"2099-05-01T12:00:00Z"}');
INSERT INTO "journal" VALUES('T1','e1',10,'id20',1,4115880000000000,'{"event_id":"e1","version":10,"plan_id":"id20","at":"2099-05-01T12:00:00Z","changes":[{"kind":"waitlisted","user_id":"gus","actor_id":"gus","ticket":1001,"cause":null,"status":null,"reason":null,"fields":null,"note":null,"channel_id":null}],"notifications":[],"about":null,"unreachable":[],"reply":null,"event_values":{},"fixed":[],"previous_at":"2099-05-01T12:00:00Z"}');
INSERT INTO "journal" VALUES('T1','e1',11,'id21',1,4115880000000000,'{"event_id":"e1","version":11,"plan_id":"id21","at":"2099-05-01T12:00:00Z","changes":[{"kind":"announced","user_id":null,"actor_id":"org","ticket":null,"cause":null,"status":null,"reason":null,"fields":null,"note":null,"channel_id":null}],"notifications":[{"kind":"announcement","user_id":null,"ticket":null,"reason":null,"before":null,"audience":"waitlisted","text":"Bring cake","note":null,"actor_id":null,"about_user_id":null,"channel_id":null,"after":null}],"about":{"title":"Event e1","starts_at":"2099-05-10T12:00:00Z","time_zone":"Europe/Berlin","location":"","ends_at":null,"join_link":"","waitlist_count":5,"has_questions":false},"unreachable":[],"reply":null,"event_values":{},"fixed":[],"previous_at":"2099-05-01T12:00:00Z"}');
INSERT INTO "journal" VALUES('T1','e1',12,'id22',1,4115880000000000,'{"event_id":"e1","version":12,"plan_id":"id22","at":"2099-05-01T12:00:00Z","changes":[{"kind":"unregistered","user_id":"ben","actor_id":"ben","ticket":2,"cause":"own","status":"registered","reason":null,"fields":null,"note":null,"channel_id":null},{"kind":"promoted","user_id":"cleo","actor_id":null,"ticket":499,"cause":"seat_freed","status":null,"reason":null,"fields":null,"note":null,"channel_id":null}],"notifications":[{"kind":"promoted","user_id":"cleo","ticket":499,"reason":null,"before":null,"audience":"everyone","text":null,"note":null,"actor_id":null,"about_user_id":null,"channel_id":null,"after":null}],"about":{"title":"Event e1","starts_at":"2099-05-10T12:00:00Z","time_zone":"Europe/Berlin","location":"","ends_at":null,"join_link":"","waitlist_count":4,"has_questions":false},"unreachable":[],"reply":null,"event_values":{},"fixed":[],"previous_at":"2099-05-01T12:00:00Z"}');
INSERT INTO "journal" VALUES('T1','e2',2,'id23',1,4115880000000000,'{"event_id":"e2","version":2,"plan_id":"id23","at":"2099-05-01T12:00:00Z","changes":[{"kind":"registered","user_id":"ada","actor_id":"ada","ticket":1,"cause":null,"status":null,"reason":null,"fields":null,"note":null,"channel_id":null}],"notifications":[],"about":null,"unreachable":[],"reply":null,"event_values":{},"fixed":[],"previous_at":"2099-05-01T12:00:00Z"}');
INSERT INTO "journal" VALUES('T1','e2',3,'id24',1,4115880000000000,'{"event_id":"e2","version":3,"plan_id":"id24","at":"2099-05-01T12:00:00Z","changes":[{"kind":"canceled","user_id":null,"actor_id":"org","ticket":null,"cause":null,"status":null,"reason":null,"fields":null,"note":null,"channel_id":null}],"notifications":[{"kind":"canceled","user_id":null,"ticket":null,"reason":null,"before":null,"audience":"everyone","text":null,"note":null,"actor_id":"org","about_user_id":null,"channel_id":null,"after":null}],"about":{"title":"Event e2","starts_at":"2099-05-10T12:00:00Z","time_zone":"Europe/Berlin","location":"","ends_at":null,"join_link":"","waitlist_count":0,"has_questions":false},"unreachable":[],"reply":null,"event_values":{"status":"\"canceled\""},"fixed":[],"previous_at":"2099-05-01T12:00:00Z"}');
CREATE TABLE registrations (
    workspace TEXT NOT NULL,
    user_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    status TEXT NOT NULL,
    ticket INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, user_id, event_id),
    FOREIGN KEY (workspace, user_id) REFERENCES users,
    FOREIGN KEY (workspace, event_id) REFERENCES events
) STRICT, WITHOUT ROWID;
INSERT INTO "registrations" VALUES('T1','ada','e1','registered',1,'{"event_id":"e1","user_id":"ada","status":"registered","ticket":1,"registered_at":"2099-05-01T12:00:00Z","seated_at":"2099-05-01T12:00:00Z","registered_version":2,"seated_version":2,"answers":{}}');
INSERT INTO "registrations" VALUES('T1','ada','e2','registered',1,'{"event_id":"e2","user_id":"ada","status":"registered","ticket":1,"registered_at":"2099-05-01T12:00:00Z","seated_at":"2099-05-01T12:00:00Z","registered_version":2,"seated_version":2,"answers":{}}');
INSERT INTO "registrations" VALUES('T1','cleo','e1','registered',499,'{"event_id":"e1","user_id":"cleo","status":"registered","ticket":499,"registered_at":"2099-05-01T12:00:00Z","seated_at":"2099-05-01T12:00:00Z","registered_version":5,"seated_version":12,"answers":{}}');
INSERT INTO "registrations" VALUES('T1','dora','e1','waitlisted',500,'{"event_id":"e1","user_id":"dora","status":"waitlisted","ticket":500,"registered_at":"2099-05-01T12:00:00Z","seated_at":null,"registered_version":6,"seated_version":null,"answers":{}}');
INSERT INTO "registrations" VALUES('T1','eve','e1','waitlisted',999,'{"event_id":"e1","user_id":"eve","status":"waitlisted","ticket":999,"registered_at":"2099-05-01T12:00:00Z","seated_at":null,"registered_version":8,"seated_version":null,"answers":{}}');
INSERT INTO "registrations" VALUES('T1','finn','e1','waitlisted',1000,'{"event_id":"e1","user_id":"finn","status":"waitlisted","ticket":1000,"registered_at":"2099-05-01T12:00:00Z","seated_at":null,"registered_version":9,"seated_version":null,"answers":{}}');
INSERT INTO "registrations" VALUES('T1','gus','e1','waitlisted',1001,'{"event_id":"e1","user_id":"gus","status":"waitlisted","ticket":1001,"registered_at":"2099-05-01T12:00:00Z","seated_at":null,"registered_version":10,"seated_version":null,"answers":{}}');
CREATE TABLE users (
    workspace TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    revision TEXT NOT NULL,
    deletion_id TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, user_id)
) STRICT;
INSERT INTO "users" VALUES('T1','ada','ada','id1',NULL,'{"user_id":"ada","name":"ada","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id1","deletion_id":null}');
INSERT INTO "users" VALUES('T1','ben','ben','id2',NULL,'{"user_id":"ben","name":"ben","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id2","deletion_id":null}');
INSERT INTO "users" VALUES('T1','cleo','cleo','id3',NULL,'{"user_id":"cleo","name":"cleo","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id3","deletion_id":null}');
INSERT INTO "users" VALUES('T1','dora','dora','id4',NULL,'{"user_id":"dora","name":"dora","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id4","deletion_id":null}');
INSERT INTO "users" VALUES('T1','eve','eve','id5',NULL,'{"user_id":"eve","name":"eve","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id5","deletion_id":null}');
INSERT INTO "users" VALUES('T1','finn','finn','id6',NULL,'{"user_id":"finn","name":"finn","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id6","deletion_id":null}');
INSERT INTO "users" VALUES('T1','gus','gus','id7',NULL,'{"user_id":"gus","name":"gus","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id7","deletion_id":null}');
INSERT INTO "users" VALUES('T1','org','org','id8',NULL,'{"user_id":"org","name":"org","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id8","deletion_id":null}');
INSERT INTO "users" VALUES('T1','gone','gone','id9','d1','{"user_id":"gone","name":"gone","time_zone":null,"created_at":"2099-05-01T12:00:00Z","updated_at":"2099-05-01T12:00:00Z","revision":"id9","deletion_id":"d1"}');
CREATE TABLE waitlist (
    workspace TEXT NOT NULL,
    event_id TEXT NOT NULL,
    ticket INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (workspace, event_id, ticket),
    FOREIGN KEY (workspace, event_id) REFERENCES events
) STRICT, WITHOUT ROWID;
INSERT INTO "waitlist" VALUES('T1','e1',500,'dora','{"ticket":500,"user_id":"dora","registered_at":"2099-05-01T12:00:00Z","registered_version":6}');
INSERT INTO "waitlist" VALUES('T1','e1',999,'eve','{"ticket":999,"user_id":"eve","registered_at":"2099-05-01T12:00:00Z","registered_version":8}');
INSERT INTO "waitlist" VALUES('T1','e1',1000,'finn','{"ticket":1000,"user_id":"finn","registered_at":"2099-05-01T12:00:00Z","registered_version":9}');
INSERT INTO "waitlist" VALUES('T1','e1',1001,'gus','{"ticket":1001,"user_id":"gus","registered_at":"2099-05-01T12:00:00Z","registered_version":10}');
CREATE INDEX upcoming ON events (workspace, starts_at, event_id) WHERE is_shown = 1;
CREATE INDEX ending ON events (workspace, ends_at, event_id)
    WHERE is_shown = 1 AND ends_at IS NOT NULL;
CREATE INDEX due ON events (workspace, next_due_at, event_id) WHERE next_due_at IS NOT NULL;
CREATE INDEX unfinished_events ON events (workspace, event_id) WHERE is_unfinished = 1;
CREATE INDEX members ON users (workspace, name, user_id);
CREATE INDEX unfinished_users ON users (workspace, user_id) WHERE deletion_id IS NOT NULL;
CREATE INDEX roster ON registrations (workspace, event_id, ticket) WHERE status = 'registered';
CREATE INDEX undelivered ON journal (workspace, event_id) WHERE is_undelivered = 1;
CREATE INDEX old_entries ON journal (workspace, kept_until) WHERE is_undelivered = 0;
COMMIT;
