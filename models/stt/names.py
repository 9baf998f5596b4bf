"""Names that a grammar of names knows besides those a practice gives: the frequent ones of the United States."""

from __future__ import annotations

from typing import Final

FIRST_NAMES: Final = """
james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony mark donald
steven paul andrew joshua kenneth kevin brian george edward ronald timothy jason jeffrey ryan jacob gary nicholas eric
jonathan stephen larry justin scott brandon benjamin samuel gregory frank alexander raymond patrick jack dennis jerry
tyler aaron jose adam henry nathan douglas zachary peter kyle walter ethan jeremy harold carl keith roger arthur terry
lawrence sean christian albert joe juan carlos luis miguel jesse roy ralph eugene louis philip bobby johnny
mary patricia jennifer linda elizabeth barbara susan jessica sarah karen nancy lisa margaret betty sandra ashley dorothy
kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca laura sharon cynthia kathleen helen amy
angela shirley anna brenda pamela nicole ruth katherine samantha christine emma catherine virginia debra rachel janet
maria heather diane julie joyce victoria kelly christina joan evelyn lauren judith olivia martha cheryl megan andrea
ann alice jean doris jacqueline kathryn hannah julia gloria teresa sara janice grace judy theresa rosa sophia denise
amber danielle brittany marilyn beverly charlotte natalie diana isabella rose kate jane tom mike bob jim bill dave dan
""".split()

LAST_NAMES: Final = """
smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson anderson
thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson walker young
allen king wright scott torres nguyen hill flores green adams nelson baker hall rivera campbell mitchell carter roberts
gomez phillips evans turner diaz parker cruz edwards collins reyes stewart morris morales murphy cook rogers gutierrez
ortiz morgan cooper peterson bailey reed kelly howard ramos kim cox ward richardson watson brooks chavez wood james
bennett gray mendoza ruiz hughes price alvarez castillo sanders patel myers long ross foster jimenez powell jenkins
perry russell sullivan bell coleman butler henderson barnes fisher vasquez simmons graham murray ford castro marshall
owens harrison fernandez mcdonald woods washington kennedy wells vargas henry chen freeman webb tucker guzman burns
crawford olson simpson porter hunter gordon mendez silva shaw snyder mason dixon munoz hunt hicks holmes palmer wagner
black robertson boyd stone salazar fox warren mills meyer rice schmidt daniels ferguson nichols stephens soto weaver
ryan gardner payne grant dunn spencer hawkins arnold pierce hansen peters santos hart bradley knight elliott cohen
""".split()
