BEGIN TRANSACTION;
CREATE TABLE classes (
	id INTEGER NOT NULL, 
	name TEXT COLLATE "NOCASE" NOT NULL, 
	position INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "classes" VALUES(1,'cat',0);
INSERT INTO "classes" VALUES(2,'dog',1);
INSERT INTO "classes" VALUES(3,'owl',2);
CREATE TABLE decisions (
	id INTEGER NOT NULL, 
	batch INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	image_id INTEGER NOT NULL, 
	action TEXT NOT NULL, 
	class_before INTEGER NOT NULL, 
	class_after INTEGER NOT NULL, 
	state_before TEXT NOT NULL, 
	state_after TEXT NOT NULL, 
	score FLOAT, 
	run_id INTEGER, 
	undoes INTEGER, 
	PRIMARY KEY (id), 
	FOREIGN KEY(image_id) REFERENCES images (id), 
	FOREIGN KEY(class_before) REFERENCES classes (id), 
	FOREIGN KEY(class_after) REFERENCES classes (id), 
	FOREIGN KEY(run_id) REFERENCES runs (id), 
	FOREIGN KEY(undoes) REFERENCES decisions (id)
);
INSERT INTO "decisions" VALUES(1,1,'2026-11-21T16:00:26.609+00:00','ada',1,'delete',1,1,'new','deleted',NULL,NULL,NULL);
INSERT INTO "decisions" VALUES(2,1,'2026-11-21T16:00:26.609+00:00','ada',2,'delete',2,2,'new','deleted',NULL,NULL,NULL);
INSERT INTO "decisions" VALUES(3,2,'2026-11-21T16:00:26.615+00:00','ada',3,'relabel',3,1,'new','kept',NULL,NULL,NULL);
INSERT INTO "decisions" VALUES(4,3,'2026-11-21T16:00:26.653+00:00','ada',3,'undo',1,3,'kept','new',NULL,NULL,3);
INSERT INTO "decisions" VALUES(5,4,'2026-11-21T16:00:26.669+00:00','bo',4,'unsure',1,1,'new','unsure',NULL,NULL,NULL);
INSERT INTO "decisions" VALUES(6,5,'2026-11-21T16:00:26.674+00:00','bo',5,'relabel',2,3,'new','kept',NULL,NULL,NULL);
INSERT INTO "decisions" VALUES(7,6,'2026-11-21T16:00:26.693+00:00','bo',5,'delete',3,3,'kept','deleted',NULL,NULL,NULL);
INSERT INTO "decisions" VALUES(8,7,'2026-11-21T16:00:26.698+00:00','ada',5,'undo',3,3,'deleted','kept',NULL,NULL,7);
INSERT INTO "decisions" VALUES(9,8,'2026-11-21T16:00:26.717+00:00','ada',6,'keep',3,3,'new','kept',NULL,NULL,NULL);
INSERT INTO "decisions" VALUES(10,8,'2026-11-21T16:00:26.718+00:00','ada',7,'keep',1,1,'new','kept',NULL,NULL,NULL);
CREATE TABLE images (
	id INTEGER NOT NULL, 
	sha256 TEXT NOT NULL, 
	file TEXT NOT NULL, 
	class_id INTEGER NOT NULL, 
	format TEXT NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	bytes INTEGER NOT NULL, 
	phash TEXT NOT NULL, 
	dark_score FLOAT NOT NULL, 
	light_score FLOAT NOT NULL, 
	low_information_score FLOAT NOT NULL, 
	blurry_score FLOAT NOT NULL, 
	odd_aspect_ratio_score FLOAT NOT NULL, 
	grayscale_score FLOAT, 
	sharpness FLOAT, 
	measures_version INTEGER DEFAULT '0' NOT NULL, 
	outlier_score FLOAT, 
	checked_with TEXT, 
	group_id INTEGER, 
	split TEXT, 
	added_at TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (sha256), 
	FOREIGN KEY(class_id) REFERENCES classes (id)
);
INSERT INTO "images" VALUES(1,'0000000000000000000000000000000000000000000000000000000000000001','1.png',1,'PNG',64,64,999,'0000000000000001',0.5,0.5,0.5,0.5,0.5,NULL,NULL,0,NULL,NULL,NULL,'train','2026-01-01T00:00:00.000+00:00');
INSERT INTO "images" VALUES(2,'0000000000000000000000000000000000000000000000000000000000000002','2.png',2,'PNG',64,64,999,'0000000000000002',0.5,0.5,0.5,0.5,0.5,NULL,NULL,0,NULL,NULL,NULL,'train','2026-01-01T00:00:00.000+00:00');
INSERT INTO "images" VALUES(3,'0000000000000000000000000000000000000000000000000000000000000003','3.png',3,'PNG',64,64,999,'0000000000000003',0.5,0.5,0.5,0.5,0.5,NULL,NULL,0,NULL,NULL,NULL,'train','2026-01-01T00:00:00.000+00:00');
INSERT INTO "images" VALUES(4,'0000000000000000000000000000000000000000000000000000000000000004','4.png',1,'PNG',64,64,999,'0000000000000004',0.5,0.5,0.5,0.5,0.5,NULL,NULL,0,NULL,NULL,NULL,'train','2026-01-01T00:00:00.000+00:00');
INSERT INTO "images" VALUES(5,'0000000000000000000000000000000000000000000000000000000000000005','5.png',2,'PNG',64,64,999,'0000000000000005',0.5,0.5,0.5,0.5,0.5,NULL,NULL,0,NULL,NULL,NULL,'valid','2026-01-01T00:00:00.000+00:00');
INSERT INTO "images" VALUES(6,'0000000000000000000000000000000000000000000000000000000000000006','6.png',3,'PNG',64,64,999,'0000000000000006',0.5,0.5,0.5,0.5,0.5,NULL,NULL,0,NULL,NULL,NULL,'train','2026-01-01T00:00:00.000+00:00');
INSERT INTO "images" VALUES(7,'0000000000000000000000000000000000000000000000000000000000000007','7.png',1,'PNG',64,64,999,'0000000000000007',0.5,0.5,0.5,0.5,0.5,NULL,NULL,0,NULL,NULL,NULL,'train','2026-01-01T00:00:00.000+00:00');
INSERT INTO "images" VALUES(8,'0000000000000000000000000000000000000000000000000000000000000008','8.png',2,'PNG',64,64,999,'0000000000000008',0.5,0.5,0.5,0.5,0.5,NULL,NULL,0,NULL,NULL,NULL,'train','2026-01-01T00:00:00.000+00:00');
CREATE TABLE jobs (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	arguments TEXT NOT NULL, 
	state TEXT NOT NULL, 
	done INTEGER NOT NULL, 
	total INTEGER, 
	message TEXT NOT NULL, 
	counts TEXT NOT NULL, 
	"table" TEXT NOT NULL, 
	cancel INTEGER NOT NULL, 
	process INTEGER, 
	created_at TEXT NOT NULL, 
	started_at TEXT, 
	heartbeat FLOAT, 
	ended_at TEXT, 
	result TEXT, 
	error TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('schema_version','3');
INSERT INTO "meta" VALUES('name','old');
INSERT INTO "meta" VALUES('seed','42');
INSERT INTO "meta" VALUES('created_at','2026-11-21T16:00:26.394+00:00');
CREATE TABLE predictions (
	run_id INTEGER NOT NULL, 
	image_id INTEGER NOT NULL, 
	class_id INTEGER NOT NULL, 
	predicted_id INTEGER NOT NULL, 
	label_score FLOAT NOT NULL, 
	confidence FLOAT NOT NULL, 
	loss FLOAT NOT NULL, 
	is_label_issue INTEGER NOT NULL, 
	probabilities BLOB NOT NULL, 
	fixed_probabilities BLOB, 
	in_sample INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (run_id, image_id), 
	FOREIGN KEY(run_id) REFERENCES runs (id), 
	FOREIGN KEY(image_id) REFERENCES images (id), 
	FOREIGN KEY(class_id) REFERENCES classes (id), 
	FOREIGN KEY(predicted_id) REFERENCES classes (id)
);
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	recipe TEXT NOT NULL, 
	backbone TEXT NOT NULL, 
	ledger_position INTEGER NOT NULL, 
	settings TEXT NOT NULL, 
	metrics TEXT NOT NULL, 
	history TEXT NOT NULL, 
	out_of_fold INTEGER DEFAULT '1' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES(1,'2026-11-21T16:00:26.719+00:00','instant','x',3,'{"classes": [1, 2, 3]}','{}','[]',1);
CREATE TABLE sources (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	class_id INTEGER NOT NULL, 
	root TEXT NOT NULL, 
	listed_in TEXT NOT NULL, 
	line INTEGER, 
	split TEXT, 
	state TEXT NOT NULL, 
	reason TEXT, 
	detail TEXT, 
	final_address TEXT, 
	http_status INTEGER, 
	content_type TEXT, 
	bytes INTEGER, 
	attempts INTEGER NOT NULL, 
	seconds FLOAT, 
	ended_at TEXT, 
	image_id INTEGER, 
	PRIMARY KEY (id), 
	UNIQUE (kind, root, origin, class_id), 
	FOREIGN KEY(class_id) REFERENCES classes (id), 
	FOREIGN KEY(image_id) REFERENCES images (id)
);
INSERT INTO "sources" VALUES(1,'address','https://pictures.example/1.png',1,'','',NULL,NULL,'fetched',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,1);
INSERT INTO "sources" VALUES(2,'address','https://pictures.example/2.png',2,'','',NULL,NULL,'fetched',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,2);
INSERT INTO "sources" VALUES(3,'address','https://pictures.example/3.png',3,'','',NULL,NULL,'fetched',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,3);
INSERT INTO "sources" VALUES(4,'address','https://pictures.example/4.png',1,'','',NULL,NULL,'fetched',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,4);
INSERT INTO "sources" VALUES(5,'address','https://pictures.example/5.png',2,'','',NULL,NULL,'fetched',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,5);
INSERT INTO "sources" VALUES(6,'address','https://pictures.example/6.png',3,'','',NULL,NULL,'fetched',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,6);
INSERT INTO "sources" VALUES(7,'address','https://pictures.example/7.png',1,'','',NULL,NULL,'fetched',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,7);
INSERT INTO "sources" VALUES(8,'address','https://pictures.example/8.png',2,'','',NULL,NULL,'fetched',NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,8);
CREATE TABLE tags (
	image_id INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	name TEXT COLLATE "NOCASE" NOT NULL, 
	probability FLOAT NOT NULL, 
	PRIMARY KEY (image_id, place), 
	FOREIGN KEY(image_id) REFERENCES images (id)
);
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX images_by_group ON images (group_id);
CREATE INDEX sources_by_image ON sources (image_id);
CREATE INDEX sources_by_state ON sources (state, id);
CREATE INDEX tags_by_name ON tags (name);
CREATE INDEX decisions_by_image ON decisions (image_id, id);
CREATE INDEX decisions_by_batch ON decisions (batch);
CREATE INDEX decisions_by_undone ON decisions (undoes);
CREATE INDEX predictions_by_score ON predictions (run_id, label_score);
CREATE VIEW current AS
SELECT images.id AS image_id,
       COALESCE(d.class_after, images.class_id) AS class_id,
       COALESCE(d.state_after, 'new') AS state,
       d.id AS decision_id,
       d.action AS action
FROM images
LEFT JOIN decisions AS d
  ON d.id = (SELECT MAX(id) FROM decisions WHERE image_id = images.id);
COMMIT;
